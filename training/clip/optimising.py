import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from training.clip.config import Config
from training.clip.towers import Towers


def build_optimiser(towers: Towers, config: Config) -> AdamW:
    """Weight decay on matrices only; heads that came untrained at their own rate."""
    groups: dict[tuple[float, float], list[torch.nn.Parameter]] = {}
    for name, parameter in towers.parameters():
        is_new = towers.is_new_head(name) or (towers.has_new_heads and name == "logit_scale")
        rate = config.head_learning_rate if is_new else config.learning_rate
        rate *= config.layer_decay ** towers.layers_above(name)
        decay = config.weight_decay if parameter.ndim >= 2 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    # The first group is the one whose rate a chart shows.
    ordered = sorted(groups.items(), key=lambda group: group[0], reverse=True)
    return AdamW(
        [
            {"params": parameters, "lr": rate, "peak": rate, "weight_decay": decay}
            for (rate, decay), parameters in ordered
        ],
        betas=config.betas,
        eps=config.eps,
        fused=True,
    )


def rate_factor(progress: float, config: Config) -> float:
    """A linear rise over the warm-up, then a fall to 0 at progress 1."""
    if progress < config.warmup_fraction:
        return max(progress, 1e-3) / config.warmup_fraction
    left = (1 - progress) / (1 - config.warmup_fraction)
    return left if config.schedule == "linear" else 0.5 * (1 - math.cos(math.pi * left))


def set_rates(optimiser: Optimizer, factor: float) -> float:
    """The rate of the first group, which is what a chart shows."""
    for group in optimiser.param_groups:
        group["lr"] = factor * group["peak"]
    return float(optimiser.param_groups[0]["lr"])


class Averaged:
    """
    Exponential average of the tuned weights over steps, young averages weighing recent steps
    more (as in Adam's bias correction). A decay of 0 is no average at all.
    """

    def __init__(self, towers: Towers, decay: float) -> None:
        self.towers, self.decay = towers, decay
        self.weights: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self, step: int) -> None:
        if not self.decay:
            return
        keep = min(self.decay, step / (step + 9))
        for name, parameter in self.towers.parameters():
            if name in self.weights:
                self.weights[name].lerp_(parameter, 1 - keep)
            else:
                self.weights[name] = parameter.detach().clone()

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """The model holds the average inside the block."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self.towers.parameters():
            if name in self.weights:
                tuned = parameter.detach().clone()
                parameter.copy_(self.weights[name])
                self.weights[name] = tuned
