"""Trained checkpoints that ship with the project; see `model.checkpoints.MICRO_DIGITS`."""
