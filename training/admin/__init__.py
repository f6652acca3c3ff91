"""Runs, checkpoints and evaluations in the admin."""

from training.admin.checkpoints import CheckpointAdmin
from training.admin.evaluations import EvaluationAdmin
from training.admin.runs import TrainingRunAdmin

__all__ = ["CheckpointAdmin", "EvaluationAdmin", "TrainingRunAdmin"]
