"""Low-rank changes to a tower's attention (Hu et al. 2021), for corpora of a few thousand pairs."""

from typing import Any

from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import nn

from training.clip.errors import TrainingError

# Queries and values as CLIP and SigLIP name them, and as BERT does.
ATTENTION = r".*\.(q_proj|v_proj|query|value)"


def add_adapters(model: nn.Module, tower: str, rank: int) -> None:
    """In place, into the submodule of that name; they begin as no change at all."""
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=ATTENTION, lora_dropout=0.0)
    try:
        inject_adapter_in_model(config, model.get_submodule(tower))
    except ValueError as problem:
        raise TrainingError(
            f"Low-rank changes need attention, and the {tower} of this base has none: "
            "set the tower to tune or frozen."
        ) from problem


def is_adapter(name: str) -> bool:
    return ".lora_" in name


def merge_adapters(model: nn.Module) -> None:
    """Add the changes to the weights they belong to, and leave plain layers."""
    layers: list[tuple[str, Any]] = [
        (name, layer) for name, layer in model.named_modules() if isinstance(layer, LoraLayer)
    ]
    for name, layer in layers:
        layer.merge()
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, layer.get_base_layer())
