import math
from typing import Any

from torch import Tensor
from torch.nn import functional

from training.clip.config import Config
from training.clip.errors import TrainingError

MAX_LOG_LOGIT_SCALE = math.log(100)


def unit(vectors: Tensor) -> Tensor:
    """In fp32 whatever comes in: rows normalised in bf16 are up to 0.2 % off unit length."""
    return functional.normalize(vectors.float(), dim=-1)


def logits_per_image(images: Tensor, texts: Tensor, log_logit_scale: Tensor) -> Tensor:
    """(n, n), from unit rows; the scale is at most 100, as CLIP was trained."""
    scale = log_logit_scale.float().clamp(max=MAX_LOG_LOGIT_SCALE).exp()
    return scale * images @ texts.T


def contrastive_loss(
    model: Any, images: Tensor, texts: Tensor, positives: Tensor, config: Config
) -> Tensor:
    """The objective of `config` for (n, dimension) vectors that are not yet unit, in fp32."""
    if uses_sigmoid(model, config):
        logits = model.logit_scale.float().exp() * unit(images) @ unit(texts).T
        return sigmoid_loss(logits + model.logit_bias.float(), positives)
    logits = logits_per_image(unit(images), unit(texts), model.logit_scale)
    return symmetric_info_nce(logits, positives, config.label_smoothing)


def uses_sigmoid(model: Any, config: Config) -> bool:
    """Raises TrainingError where the sigmoid loss is asked of a model without its bias."""
    has_bias = hasattr(model, "logit_bias")
    if config.objective == "sigmoid" and not has_bias:
        raise TrainingError(
            "The sigmoid objective needs a base with a logit_bias, such as SigLIP; "
            "set objective to info-nce or auto."
        )
    return has_bias if config.objective == "auto" else config.objective == "sigmoid"


def sigmoid_loss(logits: Tensor, positives: Tensor) -> Tensor:
    """
    Each pair of the batch by itself, right or wrong; the sum over pairs per sample (Zhai et al.,
    "Sigmoid Loss for Language Image Pre-Training", 2023). `logits` with the model's bias added.
    """
    sides = 2.0 * positives.float() - 1.0
    return -functional.logsigmoid(sides * logits).sum() / len(logits)


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
