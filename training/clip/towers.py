import math
import re
from collections.abc import Iterator, Sequence
from functools import cached_property

import torch
from torch import Tensor, nn

from training.clip.adapters import add_adapters, is_adapter, merge_adapters
from training.clip.config import Config
from training.clip.encoder import DualEncoder, pooled

# Texts of like length go through the tower together, so short ones are not padded to the
# longest of a batch. On a CPU that is a third of the time.
TEXT_CHUNK = 32

IMAGE_PARTS = ("vision", "visual", "image")
TEXT_PARTS = ("text",)
TEXT_LAYER = re.compile(r"text_model\.(?:embeddings\.|encoder\.layers?\.(?P<depth>\d+)\.)")
LAYER = re.compile(
    r"(?P<tower>\w+)\.(?P<bottom>\w*embeddings?\b|(?:encoder\.)?layers?\.(?P<depth>\d+)\.)"
)
HEAD_NAMES = ("visual_projection", "text_projection")
HEADS = tuple(f"{name}." for name in HEAD_NAMES)


class Towers:
    """
    A dual encoder as training sees it: for each side a tower and the head on top. Heads that
    start untrained stay trainable above a frozen tower; trained ones belong to their tower.
    """

    def __init__(self, encoder: DualEncoder, config: Config) -> None:
        self.encoder = encoder
        self.model = encoder.model
        self.has_new_heads = bool(getattr(encoder.model, "heads_start_untrained", False))
        self.image_is_frozen = config.image_tower == "frozen"
        self.text_is_frozen = config.text_tower == "frozen"
        self.frozen = self._parts_with("frozen", config)
        self.frozen_text_layers = config.frozen_text_layers
        self.dropout = nn.Dropout(config.feature_dropout if self.has_new_heads else 0.0)
        self.with_adapters = self._parts_with("lora", config)
        if self.with_adapters:
            for name, _ in list(self.model.named_children()):
                if name.startswith(self.with_adapters) and not name.startswith(HEAD_NAMES):
                    add_adapters(self.model, name, config.lora_rank)
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(not self._is_frozen(name))

    def _is_frozen(self, name: str) -> bool:
        if self.is_new_head(name):
            return False
        if self.frozen_text_layers and _text_depth(name) < self.frozen_text_layers:
            return True
        if name.startswith(self.with_adapters):
            return not is_adapter(name)
        return name.startswith(self.frozen)

    @staticmethod
    def _parts_with(way: str, config: Config) -> tuple[str, ...]:
        """The beginnings of the names of all that is tuned in that way."""
        of_images = IMAGE_PARTS if config.image_tower == way else ()
        return of_images + (TEXT_PARTS if config.text_tower == way else ())

    def is_new_head(self, name: str) -> bool:
        return self.has_new_heads and name.startswith(HEADS)

    def layers_above(self, name: str) -> int:
        """How deep in its tower a parameter stands: 0 at the top and in heads."""
        found = LAYER.search(name)
        if found is None:
            return 0
        last = self._last_layers[found["tower"]]
        return last + 1 if found["depth"] is None else last - int(found["depth"])

    @cached_property
    def _last_layers(self) -> dict[str, int]:
        """The number of each tower's highest layer."""
        last: dict[str, int] = {}
        for name, _ in self.model.named_parameters():
            found = LAYER.search(name)
            if found and found["depth"]:
                last[found["tower"]] = max(int(found["depth"]), last.get(found["tower"], 0))
        return last

    def parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        return (
            (name, parameter)
            for name, parameter in self.model.named_parameters()
            if parameter.requires_grad
        )

    def merge(self) -> None:
        """Adapters become part of the weights; there is nothing to tune afterwards."""
        if self.with_adapters:
            merge_adapters(self.model)

    def train(self) -> None:
        """Frozen towers stay in evaluation mode, so that what was cached of them holds."""
        self.model.train()
        self.dropout.train()
        for name, part in self.model.named_children():
            if self._is_frozen(f"{name}."):
                part.eval()

    def eval(self) -> None:
        self.model.eval()
        self.dropout.eval()

    def image_features(self, pixels: Tensor) -> Tensor:
        """What the image tower hands to its head; with a trained head, the head's output."""
        method = self.model.vision_model if self.has_new_heads else self.model.get_image_features
        return pooled(method(pixel_values=pixels))

    def text_features(self, texts: Sequence[str]) -> Tensor:
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        chunks = [order[at : at + TEXT_CHUNK] for at in range(0, len(order), TEXT_CHUNK)]
        features = torch.cat([self._text_chunk([texts[row] for row in rows]) for rows in chunks])
        places = torch.empty(len(order), dtype=torch.long)
        places[torch.tensor(order)] = torch.arange(len(order))
        return features[places.to(features.device)]

    def _text_chunk(self, texts: Sequence[str]) -> Tensor:
        method = self.model.text_model if self.has_new_heads else self.model.get_text_features
        return pooled(method(**self.encoder.tokenise(texts)))

    def project_images(self, features: Tensor) -> Tensor:
        if not self.has_new_heads:
            return features
        projected: Tensor = self.model.visual_projection(self.dropout(features))
        return projected

    def project_texts(self, features: Tensor) -> Tensor:
        if not self.has_new_heads:
            return features
        projected: Tensor = self.model.text_projection(self.dropout(features))
        return projected


def _text_depth(name: str) -> float:
    """The layer a text parameter is in, -1 for embeddings, inf for all that is not in a layer."""
    found = TEXT_LAYER.match(name)
    if found is None:
        return math.inf
    return -1 if found["depth"] is None else int(found["depth"])
