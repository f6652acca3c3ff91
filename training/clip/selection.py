from dataclasses import dataclass

import numpy as np
import torch

from training.clip.data import caption_ids
from training.clip.evaluate import per_query
from training.clip.inputs import Inputs
from training.clip.loss import logits_per_image, symmetric_info_nce, unit


@dataclass(frozen=True)
class Measured:
    """`metrics` are `corpus-v1`, text→image, lenient; 'accuracy' is image→text in its batch."""

    loss: float
    metrics: dict[str, float]


@torch.inference_mode()
def measure(inputs: Inputs) -> Measured | None:
    """None where there are no pairs. Losses are of batches in order, as in training."""
    if not inputs.pairs:
        return None
    labels = caption_ids([pair.caption for pair in inputs.pairs])
    images, texts, losses, hits = [], [], 0.0, 0
    for image_vectors, text_vectors in inputs.in_order(inputs.config.batch_size):
        image_rows, text_rows = unit(image_vectors), unit(text_vectors)
        logits = logits_per_image(image_rows, text_rows, inputs.towers.model.logit_scale)
        own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        losses += symmetric_info_nce(logits, own).item() * len(logits)
        hits += int((logits.argmax(dim=1) == torch.arange(len(logits)).to(logits.device)).sum())
        images.append(image_rows.cpu().numpy())
        texts.append(text_rows.cpu().numpy())
    table = per_query(np.concatenate(texts), np.concatenate(images), labels)
    metrics = {name: float(table[name].mean()) for name in ("mrr@1", "mrr@10", "recall@10")}
    return Measured(loss=losses / len(labels), metrics={**metrics, "accuracy": hits / len(labels)})
