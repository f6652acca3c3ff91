"""One fine-tune between its steps: its parts, a step, an epoch's measure, what is left on disk."""

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.clip import gradcache
from training.clip.config import Config
from training.clip.data import (
    Pair,
    batch_count,
    caption_ids,
    data_hash,
    plan_epoch,
    split_holdout,
)
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.inputs import Inputs, Rows, Watch
from training.clip.loss import logits_per_image, positive_pairs, symmetric_info_nce, unit
from training.clip.optimising import Averaged, build_optimiser, rate_factor, set_rates
from training.clip.progress import EpochPoint, Outcome, StepPoint
from training.clip.resuming import identity, keep
from training.clip.selection import measure
from training.clip.towers import Towers

# Seconds between two states of a run on disk, beside the one after each epoch.
KEEP_EVERY = 30.0
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "pillow")


class Run:
    """The state of one fine-tune between its steps."""

    def __init__(
        self,
        encoder: DualEncoder,
        train: Sequence[Pair],
        validation: Sequence[Pair],
        config: Config,
        watch: Watch,
        state_file: Path | None = None,
    ) -> None:
        self.started = self.kept_at = time.monotonic()
        self.config, self.watch = config, watch
        self.state_file = state_file
        self.made_of = identity(config, data_hash(train), encoder.fingerprint)
        learning, holdout = split_holdout(train, config.holdout_fraction, config.seed)
        if len(learning) < 2:
            raise TrainingError(f"A fine-tune needs two pairs or more; {len(learning)} were given.")
        self.encoder = _tunable_copy(encoder, config)
        self.towers = Towers(self.encoder, config)
        self.learning = Inputs(self.towers, learning, config, watch, views=config.image_views)
        self.holdout = Inputs(self.towers, holdout, config, watch)
        self.validation = Inputs(self.towers, validation, config, watch)
        self.captions = torch.from_numpy(caption_ids([pair.caption for pair in learning]))
        self.optimiser = build_optimiser(self.towers, config)
        self.averaged = Averaged(self.towers, config.ema_decay)
        self.rng = np.random.default_rng(config.seed)
        self.total_steps = batch_count(len(learning), config) * config.epochs
        self.micro_batch = config.micro_batch or config.batch_size
        self.epoch = 1
        self.over = False
        self.step = self.samples_seen = self.best_epoch = 0
        self.seconds_before = 0.0
        # Of the running epoch: where its plan was drawn from, and what came of it so far.
        self.epoch_rng = self.rng.bit_generator.state
        self.losses: list[float] = []
        self.sizes: list[int] = []
        self.told = 0
        self.best_score = -math.inf
        self.best_weights: dict[str, Tensor] | None = None
        self.epoch_loss = math.nan
        self.history: list[EpochPoint] = []

    def fill_caches(self) -> None:
        for inputs, title in (
            (self.learning, "training"),
            (self.holdout, "held-out"),
            (self.validation, "validation"),
        ):
            if inputs.pairs:
                inputs.fill_caches(title)

    @property
    def seconds(self) -> float:
        """Of training, without the time between a cut and its continuation."""
        return self.seconds_before + time.monotonic() - self.started

    @property
    def progress(self) -> float:
        """0 to 1, by steps or by the time budget, whichever is further."""
        by_steps = self.step / self.total_steps
        if self.config.max_seconds is None:
            return by_steps
        return min(1.0, max(by_steps, self.seconds / self.config.max_seconds))

    def is_last_epoch(self) -> bool:
        patience = self.config.patience
        is_stale = patience is not None and self.epoch - self.best_epoch >= patience * (
            self.config.eval_every
        )
        return self.epoch == self.config.epochs or self.progress >= 1 or is_stale

    def end_epoch(self) -> None:
        self.over = self.is_last_epoch()
        self.epoch += 1
        self.epoch_rng = self.rng.bit_generator.state
        self.losses, self.sizes, self.told = [], [], 0
        if not self.over:
            self.keep_state()
        elif self.state_file is not None:
            self.state_file.unlink(missing_ok=True)

    def steps(self) -> Iterator[StepPoint]:
        """The steps of the epoch that are still to be taken."""
        self.rng.bit_generator.state = self.epoch_rng
        plan = plan_epoch(len(self.learning.pairs), self.config, self.rng)
        self.towers.train()
        since = time.monotonic()
        seed = int(self.rng.integers(2**31))
        batches = self.learning.batches(plan, seed, skip=len(self.losses))
        for rows, images in batches:
            self.watch.raise_if_stopped()
            rate = set_rates(self.optimiser, rate_factor(self.progress, self.config))
            self.losses.append(self._learn(rows, images))
            self.sizes.append(len(rows))
            is_last = len(self.losses) == len(plan) or self.progress >= 1
            if self.step % self.config.log_every == 0 or self.step == 1 or is_last:
                now, untold = time.monotonic(), self.sizes[self.told :]
                yield StepPoint(
                    step=self.step,
                    total_steps=self.total_steps,
                    epoch=self.epoch,
                    loss=float(np.average(self.losses[self.told :], weights=untold)),
                    learning_rate=rate,
                    pairs_per_second=sum(untold) / max(now - since, 1e-9),
                    seconds=self.seconds,
                )
                self.told, since = len(self.losses), now
            if self.progress >= 1:
                break
            if time.monotonic() - self.kept_at > KEEP_EVERY:
                self.keep_state()
        self.epoch_loss = float(np.average(self.losses, weights=self.sizes))

    def keep_state(self) -> None:
        if self.state_file is not None:
            keep(self, self.state_file)
            self.kept_at = time.monotonic()

    def _learn(self, rows: Rows, images: Tensor) -> float:
        loss = self._backward(rows, images).item()
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} at step {self.step + 1}; "
                "try a lower learning rate or a longer warm-up."
            )
        if self.config.max_grad_norm is not None:
            tuned = [parameter for _, parameter in self.towers.parameters()]
            torch.nn.utils.clip_grad_norm_(tuned, self.config.max_grad_norm)
        self.optimiser.step()
        self.step += 1
        self.samples_seen += len(rows)
        self.averaged.update(self.step)
        return loss

    def _backward(self, rows: Rows, images: Tensor) -> Tensor:
        """In smaller and smaller parts until the memory suffices; the gradient is the same."""
        positives = self._positives(rows)

        def encode(part: slice) -> tuple[Tensor, Tensor]:
            with self.learning.precision():
                return (
                    self.learning.image_vectors(images[part]),
                    self.learning.text_vectors(rows[part]),
                )

        def loss_of(image_vectors: Tensor, text_vectors: Tensor) -> Tensor:
            scale = self.encoder.model.logit_scale
            logits = logits_per_image(unit(image_vectors), unit(text_vectors), scale)
            return symmetric_info_nce(logits, positives, self.config.label_smoothing)

        while True:
            self.optimiser.zero_grad()
            try:
                return gradcache.backward(encode, loss_of, len(rows), self.micro_batch)
            except torch.OutOfMemoryError as problem:
                self._take_smaller_parts(len(rows), problem)

    def _take_smaller_parts(self, batch: int, problem: torch.OutOfMemoryError) -> None:
        smaller = min(self.micro_batch, batch) // 2
        if smaller < 1:
            raise TrainingError(
                "The memory does not suffice for a single pair; free some, or take a smaller base."
            ) from problem
        self.micro_batch = smaller
        torch.cuda.empty_cache()
        self.watch.on_note(
            f"Out of memory at step {self.step + 1}: going on in parts of {smaller} pairs, "
            "with the gradient of the whole batch"
        )

    def _positives(self, rows: Rows) -> Tensor:
        device = self.encoder.model.device
        if self.config.equal_captions == "negatives":
            return torch.eye(len(rows), dtype=torch.bool, device=device)
        return positive_pairs(self.captions[torch.from_numpy(rows)]).to(device)

    def measure_epoch(self) -> EpochPoint:
        epoch = self.epoch
        self.towers.eval()
        with self.averaged.in_place():
            validation = measure(self.validation)
            holdout = measure(self.holdout)
            chosen_on = holdout or validation
            score = chosen_on.metrics["mrr@10"] if chosen_on else epoch
            is_better = self.config.select == "last" or score > self.best_score
            if is_better:
                self.best_score, self.best_epoch = score, epoch
                self.best_weights = {
                    name: parameter.detach().cpu().clone()
                    for name, parameter in self.towers.parameters()
                }
        held_out = (
            {f"holdout_{name}": value for name, value in holdout.metrics.items()}
            if (holdout)
            else {}
        )
        point = EpochPoint(
            epoch=epoch,
            train_loss=self.epoch_loss,
            validation_loss=validation.loss if validation else None,
            metrics={**(validation.metrics if validation else {}), **held_out},
            selected=is_better,
        )
        self.history.append(point)
        return point

    def save(self, folder: Path, train: Sequence[Pair], *, stopped: bool) -> None:
        if self.best_weights is not None:
            self.encoder.model.load_state_dict(self.best_weights, strict=False)
        self.encoder.model.to("cpu")
        best = [point for point in self.history if point.epoch == self.best_epoch]
        self.encoder.save(folder, self._meta(train, best[0] if best else None, stopped))

    def _meta(
        self, train: Sequence[Pair], best: EpochPoint | None, stopped: bool
    ) -> dict[str, Any]:
        return {
            "config": asdict(self.config),
            "data_hash": data_hash(train),
            "pairs": {
                "learned": len(self.learning.pairs),
                "held_out": len(self.holdout.pairs),
                "validation": len(self.validation.pairs),
            },
            "steps": self.step,
            "samples_seen": self.samples_seen,
            "best_epoch": self.best_epoch,
            "metrics": best.metrics if best else {},
            "history": [asdict(point) for point in self.history],
            "stopped": stopped,
            "seconds": round(self.seconds, 1),
            "versions": {name: version(name) for name in PACKAGES},
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def outcome(self, folder: Path, *, stopped: bool) -> Outcome:
        return Outcome(
            folder=folder,
            steps=self.step,
            best_epoch=self.best_epoch,
            samples_seen=self.samples_seen,
            stopped=stopped,
            seconds=self.seconds,
            history=list(self.history),
        )


def _tunable_copy(encoder: DualEncoder, config: Config) -> DualEncoder:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return DualEncoder(
        copy.deepcopy(encoder.model).to(device),
        encoder.tokenizer,
        encoder.image_processor,
        base=encoder.base,
        max_text_tokens=config.max_text_tokens,
    )
