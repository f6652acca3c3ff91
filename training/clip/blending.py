"""Between the weights begun with and the tuned ones lies often a better model than either.

Wortsman et al., "Robust fine-tuning of zero-shot models" (WiSE-FT), CVPR 2022.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from training.clip.towers import Towers

Weights = dict[str, Tensor]


def weights_of(towers: Towers) -> Weights:
    """Copies of the tuned ones, on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in towers.parameters()}


@torch.no_grad()
def put(towers: Towers, weights: Weights) -> None:
    for name, parameter in towers.parameters():
        parameter.copy_(weights[name])


def best_blend(
    towers: Towers, begun: Weights, tuned: Weights, steps: int, score: Callable[[], float]
) -> tuple[float, Weights, list[tuple[float, float]]]:
    """
    The share of the tuned weights that scores best, those weights, and the score of each share
    that was tried; of equal ones the largest share.
    """
    tried: list[tuple[float, float]] = []
    before = weights_of(towers)
    try:
        for number in range(steps, -1, -1):
            share = number / steps
            put(towers, _between(begun, tuned, share))
            tried.append((share, score()))
    finally:
        put(towers, before)
    best, _ = max(tried, key=lambda pair: pair[1])
    return best, _between(begun, tuned, best), tried[::-1]


def _between(begun: Weights, tuned: Weights, share: float) -> Weights:
    return {name: begun[name].lerp(value, share) for name, value in tuned.items()}
