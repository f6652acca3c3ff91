"""What each batch is made of: decoded beside the training step, or read from a cache."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.clip.augmentation import varied
from training.clip.config import Config
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.pixels import open_image
from training.clip.towers import Towers

Rows = NDArray[np.int64]
DECODERS = 4
PIXEL_CACHE_BYTES = 512 * 2**20
READ_EVERY_SECONDS = 0.5


class Stopped(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True)
class Watch:
    """How long work speaks with its caller: images read, of how many, of which part; lines."""

    on_read: Callable[[int, int, str], None]
    should_stop: Callable[[], bool]
    on_note: Callable[[str], None] = lambda line: None

    def raise_if_stopped(self) -> None:
        if self.should_stop():
            raise Stopped


def decoded(
    encoder: DualEncoder,
    pairs: Sequence[Pair],
    batches: Sequence[Rows],
    seed: int | None,
    skip: int = 0,
) -> Iterator[tuple[Rows, Tensor]]:
    """
    Rows and their pixels, one batch read ahead by threads (Pillow lets go of the interpreter).
    A seed asks for varied images. Raises TrainingError naming an image that cannot be read.
    """
    with ThreadPoolExecutor(DECODERS) as pool:
        waiting: tuple[Rows, list[Future[Tensor]]] | None = None
        for number, rows in enumerate(batches[skip:], start=skip):
            seeds = [None if seed is None else f"{seed} {number} {at}" for at in range(len(rows))]
            tasks = [
                pool.submit(_pixels, encoder, pairs[row], variation)
                for row, variation in zip(rows, seeds, strict=True)
            ]
            if waiting:
                yield waiting[0], _stacked(waiting[1])
            waiting = rows, tasks
        if waiting:
            yield waiting[0], _stacked(waiting[1])


def _pixels(encoder: DualEncoder, pair: Pair, variation: str | None) -> Tensor:
    try:
        image = open_image(pair.image)
    except OSError as problem:
        raise TrainingError(f"The image of {pair.key} is gone or damaged: {problem}") from problem
    if variation is not None:
        image = varied(image, random.Random(variation))  # noqa: S311
    return encoder.pixels([image])[0]


def _stacked(tasks: list[Future[Tensor]]) -> Tensor:
    return torch.stack([task.result() for task in tasks])


class Inputs:
    """
    Batches of image and text features of some pairs. A frozen tower sees each pair once and
    its features are kept; a tuned one sees the pairs of each batch, from pixels that are kept
    where they are few enough.
    """

    def __init__(
        self, towers: Towers, pairs: Sequence[Pair], config: Config, watch: Watch, *, views: int = 1
    ) -> None:
        self.towers, self.pairs, self.config, self.watch = towers, pairs, config, watch
        self.views = views
        self.cached_images: Tensor | None = None
        self.cached_texts: Tensor | None = None

    def fill_caches(self, title: str) -> None:
        if self.towers.image_is_frozen or self._pixels_fit():
            self.cached_images = torch.stack(
                [self._all_images(title, view) for view in range(self.views)]
            )
        if self.towers.text_is_frozen:
            self.cached_texts = self._all_text_features()

    def _pixels_fit(self) -> bool:
        one = self.towers.encoder.pixels([Image.new("RGB", (64, 64))])
        return one.nbytes * len(self.pairs) * self.views <= PIXEL_CACHE_BYTES

    def batches(
        self, plan: Sequence[Rows], seed: int, skip: int = 0
    ) -> Iterator[tuple[Rows, Tensor]]:
        """Rows with their pixels, or with a random view of what is cached of them.

        Without the first `skip`; the others are what they would be with them.
        """
        if self.cached_images is None:
            variation = seed if self.views > 1 else None
            yield from decoded(self.towers.encoder, self.pairs, plan, variation, skip)
            return
        rng = np.random.default_rng(seed)
        for number, rows in enumerate(plan):
            views = torch.from_numpy(rng.integers(0, self.views, len(rows)))
            if number >= skip:
                yield rows, self.cached_images[views, torch.from_numpy(rows)]

    def image_vectors(self, images: Tensor) -> Tensor:
        """(n, dimension), not yet unit, from what `batches` gives."""
        images = images.to(self.towers.model.device)
        is_done = self.towers.image_is_frozen
        features = images if is_done else self.towers.image_features(images)
        return self.towers.project_images(features)

    def text_vectors(self, rows: Rows) -> Tensor:
        if self.cached_texts is not None:
            features = self.cached_texts[torch.from_numpy(rows)].to(self.towers.model.device)
        else:
            features = self.towers.text_features([self.pairs[row].caption for row in rows])
        return self.towers.project_texts(features)

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Image and text vectors of all pairs as they are, in evaluation."""
        plan = [
            np.arange(at, min(at + batch_size, len(self.pairs)))
            for at in range(0, len(self.pairs), batch_size)
        ]
        stored = self.cached_images
        images: Iterable[tuple[Rows, Tensor]] = (
            decoded(self.towers.encoder, self.pairs, plan, None)
            if stored is None
            else ((rows, stored[0, torch.from_numpy(rows)]) for rows in plan)
        )
        for rows, batch in images:
            self.watch.raise_if_stopped()
            yield self.image_vectors(batch), self.text_vectors(rows)

    @torch.inference_mode()
    def _all_images(self, title: str, view: int) -> Tensor:
        """Features where the tower is frozen, else pixels."""
        size = self.towers.encoder.image_batch_size
        plan = [
            np.arange(at, min(at + size, len(self.pairs))) for at in range(0, len(self.pairs), size)
        ]
        seed = self.config.seed * 1000 + view if view else None
        is_frozen = self.towers.image_is_frozen
        features: list[Tensor] = []
        told = time.monotonic()
        for rows, pixels in decoded(self.towers.encoder, self.pairs, plan, seed):
            self.watch.raise_if_stopped()
            features.append(self._frozen_features(pixels) if is_frozen else pixels)
            if time.monotonic() - told > READ_EVERY_SECONDS:
                told = time.monotonic()
                done = view * len(self.pairs) + int(rows[-1]) + 1
                self.watch.on_read(done, self.views * len(self.pairs), title)
        return torch.cat(features)

    def _frozen_features(self, pixels: Tensor) -> Tensor:
        with self.precision():
            features = self.towers.image_features(pixels.to(self.towers.model.device))
        return features.float().cpu()

    @torch.inference_mode()
    def _all_text_features(self) -> Tensor:
        features: list[Tensor] = []
        for at in range(0, len(self.pairs), self.config.batch_size):
            self.watch.raise_if_stopped()
            chosen = self.pairs[at : at + self.config.batch_size]
            with self.precision():
                found = self.towers.text_features([pair.caption for pair in chosen])
            features.append(found.float().cpu())
        return torch.cat(features)

    def precision(self) -> torch.autocast:
        device = self.towers.model.device.type
        return torch.autocast(device, torch.bfloat16, enabled=self.config.precision == "bf16")
