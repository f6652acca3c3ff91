import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import BaseImageProcessor, PreTrainedModel, PreTrainedTokenizerBase

from training.clip import checkpoints
from training.clip.loss import unit
from training.clip.pixels import open_image

Vectors = NDArray[np.float32]

# These read the text's meaning off the last position and were trained with all texts padded.
PADDED_TO_MAX = {"siglip_text_model", "siglip2_text_model", "siglip", "siglip2"}


class DualEncoder:
    """
    A Hugging Face dual encoder (CLIP, SigLIP, Chinese-CLIP, the packaged one, ...) with the
    tokenizer and image preprocessing that belong to it.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        image_processor: BaseImageProcessor,
        *,
        base: str,
        max_text_tokens: int | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        # Which submodules and methods it has depends on its architecture, so no type says it.
        self.model: Any = model
        model.eval()  # type: ignore[no-untyped-call]
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.base = base
        positions = _text_positions(model)
        self.max_text_tokens = min(max_text_tokens or positions, positions)
        self.meta: dict[str, Any] = meta or {}

    @property
    def device(self) -> torch.device:
        return self.model.device  # type: ignore[no-any-return]

    def on_fastest_device(self) -> Self:
        """Move to the GPU if there is one: for encoding whole corpora."""
        self.model.to("cuda" if torch.cuda.is_available() else "cpu")
        return self

    @property
    def image_batch_size(self) -> int:
        """On a CPU, activations of more than 32 MiB are slower to allocate than to compute."""
        return 4 if self.device.type == "cpu" else 64

    @cached_property
    def dimension(self) -> int:
        return int(self.encode_texts(["a"]).shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over all that decides a vector: weights, vocabulary, preprocessing, text limit."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
        settings = {
            "vocabulary": sorted(self.tokenizer.get_vocab().items()),
            "pixels": self._pixel_settings,
            "max_text_tokens": self.max_text_tokens,
        }
        digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
        return digest.hexdigest()

    @property
    def _pixel_settings(self) -> dict[str, str]:
        named = ("do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale")
        numbers = ("rescale_factor", "do_normalize", "image_mean", "image_std")
        return {name: str(getattr(self.image_processor, name, None)) for name in (*named, *numbers)}

    @property
    def pixel_settings(self) -> str:
        """All that decides what the tower sees of a picture, as text."""
        return json.dumps(self._pixel_settings, sort_keys=True)

    @property
    def heads_are_untrained(self) -> bool:
        """The projections of a base that no fine-tune has gone over yet mean nothing."""
        return bool(getattr(self.model, "heads_start_untrained", False)) and not self.meta

    def normalised(self, pixels: Tensor) -> Tensor:
        """What the tower takes, from (n, 3, height, width) of 0 to 255."""
        processor: Any = self.image_processor
        scaled = pixels * processor.rescale_factor if processor.do_rescale else pixels
        if not processor.do_normalize:
            return scaled
        mean, deviation = (
            torch.tensor(values, device=pixels.device)[:, None, None]
            for values in (processor.image_mean, processor.image_std)
        )
        return (scaled - mean) / deviation

    def tokenise(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Cut at `max_text_tokens`; '<|endoftext|>' and the like in a text are plain characters."""
        pads_to_max = self.model.config.model_type in PADDED_TO_MAX
        tokens = self.tokenizer(
            list(texts),
            padding="max_length" if pads_to_max else True,
            truncation=True,
            max_length=self.max_text_tokens,
            split_special_tokens=True,
            return_attention_mask=not pads_to_max,
            return_tensors="pt",
        )
        return {
            name: tokens[name].to(self.device)
            for name in ("input_ids", "attention_mask")
            if name in tokens
        }

    def pixels(self, images: Sequence[Path | Image.Image]) -> Tensor:
        """(n, 3, height, width) on the CPU; raises OSError for what cannot be decoded."""
        opened = [open_image(image) for image in images]
        pixels: Tensor = self.image_processor(opened, return_tensors="pt")["pixel_values"]
        return pixels

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str], batch_size: int = 64) -> Vectors:
        """(n, dimension) unit rows in the order given."""
        # Neighbours of like length need little padding.
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        rows: list[Tensor] = []
        for start in range(0, len(order), batch_size):
            chosen = [texts[row] for row in order[start : start + batch_size]]
            features = pooled(self.model.get_text_features(**self.tokenise(chosen)))
            rows.append(unit(features).cpu())
        return self._stacked(rows)[np.argsort(order)] if rows else self._stacked(rows)

    @torch.inference_mode()
    def encode_images(
        self, images: Sequence[Path | Image.Image], batch_size: int | None = None
    ) -> Vectors:
        """(n, dimension) unit rows; raises OSError for an image that cannot be decoded."""
        rows: list[Tensor] = []
        batch_size = batch_size or self.image_batch_size
        for start in range(0, len(images), batch_size):
            pixels = self.pixels(images[start : start + batch_size]).to(self.device)
            features = pooled(self.model.get_image_features(pixel_values=pixels))
            rows.append(unit(features).cpu())
        return self._stacked(rows)

    def _stacked(self, rows: list[Tensor]) -> Vectors:
        if not rows:
            return np.zeros((0, self.dimension), np.float32)
        stacked: Vectors = torch.cat(rows).numpy()
        return stacked

    def save(self, folder: Path, meta: dict[str, Any]) -> None:
        """Whole or not at all: what stood in `folder` stays until the new files are on disk."""
        facts = {
            **meta,
            "format": checkpoints.FORMAT,
            "base": self.base,
            "dimension": self.dimension,
            "max_text_tokens": self.max_text_tokens,
            "fingerprint": self.fingerprint,
        }
        with checkpoints.replacing(folder) as new, checkpoints.without_progress_bars():
            self.model.save_pretrained(new)
            self.tokenizer.save_pretrained(new)
            self.image_processor.save_pretrained(new)
            checkpoints.write_meta(new, facts)
        self.meta = facts

    @classmethod
    def load(cls, folder: Path) -> "DualEncoder":
        """Raises CheckpointError for a folder that is missing, damaged or not one of ours."""
        meta = checkpoints.read_meta(folder)
        parts = checkpoints.read_parts(folder)
        encoder = cls(*parts, base=meta["base"], max_text_tokens=meta["max_text_tokens"], meta=meta)
        checkpoints.refuse_changed(folder, meta["fingerprint"], encoder.fingerprint)
        return encoder


def pooled(output: Any) -> Tensor:
    """`get_*_features` returns an object in transformers 5 and a tensor in remote code."""
    features: Tensor = output if isinstance(output, Tensor) else output.pooler_output
    return features


def _text_positions(model: PreTrainedModel) -> int:
    text_config = getattr(model.config, "text_config", model.config)
    if isinstance(text_config, dict):
        return int(text_config["max_position_embeddings"])
    return int(text_config.max_position_embeddings)
