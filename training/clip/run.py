"""One fine-tune between its steps: its parts, a step, an epoch's measure, what is left on disk."""

import copy
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.clip import gradcache
from training.clip.blending import Weights, best_blend, weights_of
from training.clip.config import Config
from training.clip.crew import Alone
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
from training.clip.heads import correlated_heads
from training.clip.inputs import Batch, Inputs
from training.clip.loss import contrastive_loss, positive_pairs
from training.clip.optimising import Averaged, build_optimiser, rate_factor, set_rates
from training.clip.pixel_cache import PixelCache, open_cache
from training.clip.progress import EpochPoint, Outcome, StepPoint, Stopped, Watch
from training.clip.resuming import identity, keep
from training.clip.selection import measure
from training.clip.towers import Towers

# Seconds between two states of a run on disk, beside the one after each epoch.
KEEP_EVERY = 30.0
# A state that takes long to write is written so many times its time apart.
KEEP_SHARE = 20


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
        cache_folder: Path | None = None,
        crew: Alone | None = None,
    ) -> None:
        self.started = self.kept_at = time.monotonic()
        self.config, self.watch, self.crew = config, watch, crew or Alone()
        self.state_file, self.cache_folder = state_file, cache_folder
        self.train, self.data_hash = train, data_hash(train)
        self.made_of = identity(config, self.data_hash, encoder.fingerprint)
        learning, holdout = split_holdout(train, config.holdout_fraction, config.seed)
        if len(learning) < 2:
            raise TrainingError(f"A fine-tune needs two pairs or more; {len(learning)} were given.")
        self.encoder = _tunable_copy(encoder, config)
        self.towers = Towers(self.encoder, config)
        self.heads_are_untrained = encoder.heads_are_untrained
        self.learning = Inputs(self.towers, learning, config, watch, is_varied=True)
        self.holdout = Inputs(self.towers, holdout, config, watch)
        self.validation = Inputs(self.towers, validation, config, watch)
        self.captions = torch.from_numpy(caption_ids([pair.caption for pair in learning]))
        self.tuned = [parameter for _, parameter in self.towers.parameters()]
        self.optimiser = build_optimiser(self.towers, config)
        self.averaged = Averaged(self.towers, config.ema_decay)
        self.rng = np.random.default_rng(config.seed)
        self.total_steps = batch_count(len(learning), config) * config.epochs
        self.micro_batch = config.micro_batch or config.batch_size
        self.epoch = 1
        self.over = False
        self.keep_took = 0.0
        self.step = self.samples_seen = self.best_epoch = 0
        self.seconds_before = 0.0
        # Of the running epoch: where its plan was drawn from, and what came of it so far.
        self.epoch_rng = self.rng.bit_generator.state
        self.losses: list[float] = []
        self.sizes: list[int] = []
        self.told = 0
        self.best_score = -math.inf
        self.best_weights: Weights | None = None
        self.begun_with: Weights = {}
        self.epoch_loss = math.nan
        self.history: list[EpochPoint] = []
        self.blends_tried: list[tuple[float, float]] = []

    def fill_caches(self) -> None:
        with self.crew.first_goes_ahead():
            of_training = self._pixels(self.train, "training")
            of_validation = self._pixels(self.validation.pairs, "validation")
        row_of = {pair: row for row, pair in enumerate(self.train)}
        for inputs, title in ((self.learning, "training"), (self.holdout, "held-out")):
            rows = np.array([row_of[pair] for pair in inputs.pairs], np.int64)
            inputs.fill_caches(title, of_training.of(rows))
        self.validation.fill_caches("validation", of_validation)

    def _pixels(self, pairs: Sequence[Pair], title: str) -> PixelCache:
        return open_cache(self.encoder, pairs, self.cache_folder, self.watch, title)

    def start_heads(self) -> None:
        """Put heads that mean nothing yet where closed form puts them; note where all began."""
        if self.heads_are_untrained and self.config.head_start == "cca":
            self.watch.on_note("Heads from canonical correlations of what the towers hand on")
            model, (images, texts) = self.encoder.model, self.learning.all_features()
            heads = correlated_heads(images, texts, model.config.projection_dim)
            with torch.no_grad():
                for layer, head in zip(
                    (model.visual_projection, model.text_projection), heads, strict=True
                ):
                    layer.weight.copy_(head.weight)
                    layer.bias.copy_(head.bias)
        self.begun_with = weights_of(self.towers)

    def align(self) -> None:
        self.crew.align(self.tuned)

    @property
    def seconds(self) -> float:
        """Of training, without the time between a cut and its continuation."""
        return self.seconds_before + time.monotonic() - self.started

    @property
    def progress(self) -> float:
        """
        0 to 1, by steps or by the time budget, whichever is further. Several processes have
        several clocks, so with them there is no budget.
        """
        by_steps = self.step / self.total_steps
        if self.config.max_seconds is None or self.crew.size > 1:
            return by_steps
        return min(1.0, max(by_steps, self.seconds / self.config.max_seconds))

    def is_at_end(self) -> bool:
        """Of the schedule; asked once after each epoch, for clocks go on."""
        return self.crew.agreed(self.epoch == self.config.epochs or self.progress >= 1)

    def end_epoch(self, *, at_end: bool) -> None:
        patience = self.config.patience
        is_stale = patience is not None and self.epoch - self.best_epoch >= patience * (
            self.config.eval_every
        )
        self.over = at_end or self.crew.agreed(is_stale)
        self.epoch += 1
        self.epoch_rng = self.rng.bit_generator.state
        self.losses, self.sizes, self.told = [], [], 0
        if not self.over:
            self.keep_state()

    def steps(self) -> Iterator[StepPoint]:
        """The steps of the epoch that are still to be taken."""
        self.rng.bit_generator.state = self.epoch_rng
        plan = plan_epoch(self.captions.numpy(), self.config, self.rng)
        # A last batch so small that a process would have no row of it.
        plan = [rows for rows in plan if len(rows) >= self.crew.size]
        self.towers.train()
        since = time.monotonic()
        seed = int(self.rng.integers(2**31))
        batches = self.learning.batches(plan, seed, skip=len(self.losses))
        for batch in batches:
            if self.crew.agreed(self.watch.should_stop()):
                raise Stopped
            rate = set_rates(self.optimiser, rate_factor(self.progress, self.config))
            self.losses.append(self._learn(batch))
            self.sizes.append(len(batch))
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
            if time.monotonic() - self.kept_at > max(KEEP_EVERY, KEEP_SHARE * self.keep_took):
                self.keep_state()
        self.epoch_loss = float(np.average(self.losses, weights=self.sizes))

    def keep_state(self) -> None:
        if self.state_file is not None and self.crew.rank == 0:
            began = time.monotonic()
            keep(self, self.state_file)
            self.kept_at = time.monotonic()
            self.keep_took = self.kept_at - began

    def _learn(self, batch: Batch) -> float:
        loss = self._backward(batch).item()
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss became {loss} at step {self.step + 1}; "
                "try a lower learning rate or a longer warm-up."
            )
        if self.config.max_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.tuned, self.config.max_grad_norm)
        self.optimiser.step()
        self.step += 1
        self.samples_seen += len(batch)
        self.averaged.update(self.step)
        return loss

    def _backward(self, batch: Batch) -> Tensor:
        """In smaller and smaller parts until the memory suffices; the gradient is the same."""
        positives = self._positives(batch)

        def encode(chosen: slice) -> tuple[Tensor, Tensor]:
            part = batch.part(chosen)
            with self.learning.precision():
                return self.learning.image_vectors(part), self.learning.text_vectors(part)

        def loss_of(image_vectors: Tensor, text_vectors: Tensor) -> Tensor:
            return contrastive_loss(
                self.encoder.model, image_vectors, text_vectors, positives, self.config
            )

        while True:
            self.optimiser.zero_grad()
            try:
                return gradcache.backward(
                    encode, loss_of, self.tuned, len(batch), self.micro_batch, self.crew
                )
            except torch.OutOfMemoryError as problem:
                self._take_smaller_parts(len(batch), problem)

    def _take_smaller_parts(self, batch: int, problem: torch.OutOfMemoryError) -> None:
        if self.crew.size > 1:
            raise TrainingError(
                "The memory of a card ran out; set micro_batch to what one card holds."
            ) from problem
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

    def _positives(self, batch: Batch) -> Tensor:
        device = self.encoder.model.device
        if self.config.equal_captions == "negatives":
            return torch.eye(len(batch), dtype=torch.bool, device=device)
        return positive_pairs(self.captions[torch.from_numpy(batch.rows)]).to(device)

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
                self.best_weights = weights_of(self.towers)
        held_out = holdout.metrics if holdout else {}
        point = EpochPoint(
            epoch=epoch,
            train_loss=self.epoch_loss,
            validation_loss=validation.loss if validation else None,
            metrics={
                **(validation.metrics if validation else {}),
                **{f"holdout_{name}": value for name, value in held_out.items()},
            },
            selected=is_better,
        )
        self.history.append(point)
        return point

    def blend(self) -> None:
        """Pick among the weights between those begun with and the best ones (WiSE-FT)."""
        chosen_on = self.holdout if self.holdout.pairs else self.validation
        if self.best_weights is None or not self.config.blends or not chosen_on.pairs:
            return
        self.towers.eval()

        def score() -> float:
            measured = measure(chosen_on)
            return measured.metrics["mrr@10"] if measured else 0.0

        share, self.best_weights, self.blends_tried = best_blend(
            self.towers, self.begun_with, self.best_weights, self.config.blends, score
        )
        self.watch.on_note(f"Kept {share:.0%} of the way from the base to the tuned weights")

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
