"""What each batch is made of: pixels or features that were kept, and captions."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.clip.augmentation import draw_variations, varied
from training.clip.config import Config
from training.clip.data import Pair
from training.clip.pixel_cache import PixelCache
from training.clip.progress import Watch
from training.clip.towers import Towers
from training.clip.windows import Windows

Rows = NDArray[np.int64]
# Pairs that go through the towers at once in evaluation, however large the batch in training.
ENCODED = 64


@dataclass(frozen=True)
class Batch:
    """
    `images`: bytes of pixels (n, 3, height, width), or features (n, width) above a frozen
    tower. `variations`: (n, 7) changes to pixels, drawn already, so that a part of a batch is
    the same whenever it goes through a tower. `texts`: captions, or windows of them.
    """

    rows: Rows
    images: Tensor
    variations: Tensor | None
    texts: list[str]

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, chosen: slice) -> Batch:
        changes = None if self.variations is None else self.variations[chosen]
        return Batch(self.rows[chosen], self.images[chosen], changes, self.texts[chosen])


class Inputs:
    """
    Batches of some pairs. A frozen tower sees each pair once and its features are kept; a
    tuned one sees the pixels of each batch, mildly changed each time if `is_varied`.
    """

    def __init__(
        self,
        towers: Towers,
        pairs: Sequence[Pair],
        config: Config,
        watch: Watch,
        *,
        is_varied: bool = False,
    ) -> None:
        self.towers, self.pairs, self.config, self.watch = towers, pairs, config, watch
        self.views = config.image_views if is_varied else 1
        windows = config.caption_windows if is_varied else "whole"
        self.windows = None if windows == "whole" else self._windows(windows == "any")
        self.pixels: PixelCache
        # (views, n, width) and (n, width) above frozen towers.
        self.image_features: Tensor | None = None
        self.frozen_texts: Tensor | None = None

    def fill_caches(self, title: str, pixels: PixelCache) -> None:
        """`pixels`: of these pairs, in their order."""
        if not self.pairs:
            return
        self.pixels = pixels
        if self.towers.image_is_frozen:
            first = self._all_images(title, 0)
            features = torch.empty(self.views, *first.shape)
            features[0] = first
            for view in range(1, self.views):
                features[view] = self._all_images(title, view)
            self.image_features = features
        if self.towers.text_is_frozen:
            self.frozen_texts = self.all_texts()

    def batches(self, plan: Sequence[Rows], seed: int, skip: int = 0) -> Iterator[Batch]:
        """
        One read ahead. Without the first `skip`; the others are what they would be with them,
        for what is drawn by lot depends on the seed and on the number of the batch alone.
        """
        wanted = [partial(self._batch, plan[n], seed, n) for n in range(skip, len(plan))]
        with ThreadPoolExecutor(1) as ahead:
            waiting = ahead.submit(wanted[0]) if wanted else None
            for following in [*wanted[1:], None]:
                if waiting is None:
                    return
                batch = waiting.result()
                waiting = ahead.submit(following) if following else None
                yield batch

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Image and text vectors of all pairs as they are, in evaluation."""
        for rows in self._spans(batch_size):
            self.watch.raise_if_stopped()
            parts = [rows[at : at + ENCODED] for at in range(0, len(rows), ENCODED)]
            images, texts = zip(*(self._vectors_of(part) for part in parts), strict=True)
            yield torch.cat(images), torch.cat(texts)

    def _vectors_of(self, rows: Rows) -> tuple[Tensor, Tensor]:
        batch = Batch(rows, self._images_of(rows), None, self._captions(rows))
        with self.precision():
            return self.image_vectors(batch), self.text_vectors(batch)

    def image_vectors(self, batch: Batch) -> Tensor:
        """(n, dimension), not yet unit."""
        images = batch.images.to(self.towers.model.device)
        if self.image_features is None:
            images = self.towers.image_features(self._seen(images, batch.variations))
        return self.towers.project_images(images)

    def text_vectors(self, batch: Batch) -> Tensor:
        if self.frozen_texts is not None:
            chosen = self.frozen_texts[torch.from_numpy(batch.rows)]
            return self.towers.project_texts(chosen.to(self.towers.model.device))
        return self.towers.project_texts(self.towers.text_features(batch.texts))

    def precision(self) -> torch.autocast:
        device = self.towers.model.device.type
        wanted = self.config.precision
        has_bf16 = device == "cuda" and torch.cuda.is_bf16_supported()
        is_on = has_bf16 if wanted == "auto" else wanted == "bf16"
        return torch.autocast(device, torch.bfloat16, enabled=is_on)

    def all_features(self) -> tuple[Tensor, Tensor]:
        """(n, image width) and (n, text width): what the towers hand to their heads."""
        images = self.image_features
        texts = self.frozen_texts
        return (
            images[0] if images is not None else self._all_images("training", 0),
            texts if texts is not None else self.all_texts(),
        )

    @torch.inference_mode()
    def all_texts(self) -> Tensor:
        """(n, width): what the text tower hands to its head."""
        features = []
        for rows in self._spans(self.config.batch_size):
            self.watch.raise_if_stopped()
            with self.precision():
                found = self.towers.text_features(self._captions(rows))
            features.append(found.float().cpu())
        return torch.cat(features)

    def _batch(self, rows: Rows, seed: int, number: int) -> Batch:
        rng = np.random.default_rng((seed, number))
        changes = None
        if self.image_features is not None:
            views = torch.from_numpy(rng.integers(0, self.views, len(rows)))
            images = self.image_features[views, torch.from_numpy(rows)]
        else:
            images = self._images_of(rows)
            changes = draw_variations(len(rows), rng) if self.views > 1 else None
        texts = self._captions(rows)
        if self.windows is not None:
            texts = self.windows.draw(texts, rng)
        return Batch(rows, images, changes, texts)

    def _images_of(self, rows: Rows) -> Tensor:
        if self.image_features is not None:
            return self.image_features[0, torch.from_numpy(rows)]
        return self.pixels[rows]

    def _captions(self, rows: Rows) -> list[str]:
        return [self.pairs[row].caption for row in rows]

    def _seen(self, pixels: Tensor, variations: Tensor | None) -> Tensor:
        """Bytes to what the tower takes."""
        shown = pixels.float()
        if variations is not None:
            shown = varied(shown, variations)
        return self.towers.encoder.normalised(shown)

    @torch.inference_mode()
    def _all_images(self, title: str, view: int) -> Tensor:
        """(n, width) above the frozen tower; the first view is the picture as it is."""
        rng = np.random.default_rng((self.config.seed, view))
        features: list[Tensor] = []
        for rows in self._spans(self.towers.encoder.image_batch_size):
            self.watch.raise_if_stopped()
            changes = draw_variations(len(rows), rng) if view else None
            pixels = self._images_of(rows).to(self.towers.model.device)
            with self.precision():
                found = self.towers.image_features(self._seen(pixels, changes))
            features.append(found.float().cpu())
            done = view * len(self.pairs) + int(rows[-1]) + 1
            self.watch.on_read(done, self.views * len(self.pairs), title)
        return torch.cat(features)

    def _spans(self, size: int) -> list[Rows]:
        total = len(self.pairs)
        return [np.arange(at, min(at + size, total)) for at in range(0, total, size)]

    def _windows(self, of_short_ones: bool) -> Windows:
        # Its own: windows are drawn in another thread, and a tokeniser changes with each call.
        tokenizer = copy.deepcopy(self.towers.encoder.tokenizer)
        # Two of the tokens are the start and the end.
        limit = self.towers.encoder.max_text_tokens - 2

        def count_tokens(text: str) -> int:
            return len(tokenizer(text, add_special_tokens=False)["input_ids"])

        return Windows(count_tokens, limit, of_short_ones=of_short_ones)
