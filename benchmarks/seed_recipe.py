"""
The recipe of the research demo that this product succeeds, restated: a loop of 2021 over the same
Hugging Face model. Both towers, AdamW without decay, a linear fall from the first step, no
clipping, fp32, pairs drawn with replacement, texts padded to 64 tokens, the last weights kept.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import AdamW

from training.clip.data import Pair
from training.clip.encoder import DualEncoder, pooled

TEXT_TOKENS = 64
BATCH = 64
LEARNING_RATE = 5e-5


@dataclass
class SeedRecipe:
    """Tunes `encoder` in place; `losses` are means per pair."""

    encoder: DualEncoder
    samples: int
    seed: int = 0
    batch: int = BATCH
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.encoder.model.train()
        self.optimiser = AdamW(
            self.encoder.model.parameters(),
            lr=LEARNING_RATE,
            betas=(0.9, 0.999),
            eps=1e-6,
            weight_decay=0.0,
        )

    def run(self, pairs: Sequence[Pair]) -> float:
        """Seconds it took, decoding included."""
        torch.manual_seed(self.seed)
        started = time.monotonic()
        drawn = np.random.default_rng(self.seed).integers(0, len(pairs), self.samples)
        batches = [drawn[at : at + self.batch] for at in range(0, len(drawn), self.batch)]
        for number, rows in enumerate(batches):
            for group in self.optimiser.param_groups:
                group["lr"] = LEARNING_RATE * (1 - number / len(batches))
            pixels, tokens = self.prepare([pairs[row] for row in rows])
            self.losses.append(self.step(pixels, tokens))
        self.encoder.model.eval()
        return time.monotonic() - started

    def prepare(self, pairs: Sequence[Pair]) -> tuple[Tensor, dict[str, Tensor]]:
        device = self.encoder.device
        pixels = self.encoder.pixels([pair.image for pair in pairs]).to(device)
        return pixels, self.tokens([pair.caption for pair in pairs])

    def tokens(self, captions: Sequence[str]) -> dict[str, Tensor]:
        found = self.encoder.tokenizer(
            list(captions),
            padding="max_length",
            truncation=True,
            max_length=min(TEXT_TOKENS, self.encoder.max_text_tokens),
            return_tensors="pt",
        )
        names = ("input_ids", "attention_mask")
        return {name: found[name].to(self.encoder.device) for name in names if name in found}

    def step(self, pixels: Tensor, tokens: dict[str, Tensor]) -> float:
        model = self.encoder.model
        images = functional.normalize(pooled(model.get_image_features(pixel_values=pixels)), dim=-1)
        texts = functional.normalize(pooled(model.get_text_features(**tokens)), dim=-1)
        logits = model.logit_scale.exp() * images @ texts.T
        own = torch.arange(len(logits), device=logits.device)
        loss = (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return float(loss.item())
