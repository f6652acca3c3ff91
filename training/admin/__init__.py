"""Runs, sweeps, checkpoints and evaluations in the admin."""

from training.admin.checkpoints import CheckpointAdmin
from training.admin.evaluations import EvaluationAdmin
from training.admin.runs import TrainingRunAdmin
from training.admin.sweeps import SweepAdmin

__all__ = ["CheckpointAdmin", "EvaluationAdmin", "SweepAdmin", "TrainingRunAdmin"]
