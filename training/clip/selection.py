from dataclasses import dataclass, replace

import numpy as np
import torch

from training.clip.data import caption_ids
from training.clip.evaluate import per_query
from training.clip.inputs import Inputs
from training.clip.loss import contrastive_loss, unit


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
    plain = replace(inputs.config, label_smoothing=0.0)
    labels = caption_ids([pair.caption for pair in inputs.pairs])
    images, texts, losses, hits = [], [], 0.0, 0
    for image_vectors, text_vectors in inputs.in_order(inputs.config.batch_size):
        image_rows, text_rows = unit(image_vectors), unit(text_vectors)
        own = torch.eye(len(image_rows), dtype=torch.bool, device=image_rows.device)
        loss = contrastive_loss(inputs.towers.model, image_vectors, text_vectors, own, plain)
        losses += loss.item() * len(own)
        first = (image_rows @ text_rows.T).argmax(dim=1).cpu()
        hits += int((first == torch.arange(len(first))).sum())
        images.append(image_rows.cpu().numpy())
        texts.append(text_rows.cpu().numpy())
    table = per_query(np.concatenate(texts), np.concatenate(images), labels)
    metrics = {name: float(table[name].mean()) for name in ("mrr@1", "mrr@10", "recall@10")}
    return Measured(loss=losses / len(labels), metrics={**metrics, "accuracy": hits / len(labels)})
