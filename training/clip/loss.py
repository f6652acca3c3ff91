import math

import torch
from torch import Tensor
from torch.nn import functional

MAX_LOG_LOGIT_SCALE = math.log(100)


def unit(vectors: Tensor) -> Tensor:
    """In fp32 whatever comes in: rows normalised in bf16 are up to 0.2 % off unit length."""
    return functional.normalize(vectors.float(), dim=-1)


def logits_per_image(images: Tensor, texts: Tensor, log_logit_scale: Tensor) -> Tensor:
    """(n, n), from unit rows."""
    scale = log_logit_scale.float().clamp(max=MAX_LOG_LOGIT_SCALE).exp()
    return scale * images @ texts.T


def symmetric_info_nce(logits: Tensor, positives: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """
    Mean over samples and both directions of the cross-entropy against targets spread evenly
    over each row's positives (van den Oord et al. 2018; Radford et al. 2021 for the symmetry).

    `positives`: (n, n) bool, true on the diagonal.
    """
    return 0.5 * (
        _cross_entropy(logits, positives, label_smoothing)
        + _cross_entropy(logits.T, positives.T, label_smoothing)
    )


def _cross_entropy(logits: Tensor, positives: Tensor, label_smoothing: float) -> Tensor:
    targets = positives.float() / positives.sum(dim=1, keepdim=True)
    return functional.cross_entropy(logits, targets, label_smoothing=label_smoothing)


def positive_pairs(caption_ids: Tensor) -> Tensor:
    """(n, n) bool from (n,) integers that are equal where captions are."""
    return caption_ids[:, None] == caption_ids[None, :]


def diagonal(n: int) -> Tensor:
    return torch.eye(n, dtype=torch.bool)
