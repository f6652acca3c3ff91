class CheckpointError(Exception):
    """A model cannot be read or written; the message is one sentence for the person who asked."""


class TrainingError(Exception):
    """A fine-tune cannot go on; the message is one sentence for the person who started it."""
