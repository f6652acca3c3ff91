"""What the GPU did, as rows: runs with their curves, checkpoints, evaluations."""

from training.models.checkpoints import Checkpoint
from training.models.evaluations import Evaluation
from training.models.runs import (
    EpochPoint,
    StepPoint,
    Sweep,
    TrainingRun,
    checkpoint_folder,
    preset_choices,
)

__all__ = [
    "Checkpoint",
    "EpochPoint",
    "Evaluation",
    "StepPoint",
    "Sweep",
    "TrainingRun",
    "checkpoint_folder",
    "preset_choices",
]
