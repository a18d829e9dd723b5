"""Checkpoints: read in the layouts that people have them in, checked against a network, written in ours.

``layouts`` has one module for each layout; ``load`` chooses by looking at the file.
"""

from .check import check_state
from .checkpoint import METADATA_KEY, MICRO_DIGITS, Checkpoint
from .load import load_checkpoint
from .save import check_destination, save_checkpoint

__all__ = [
    "METADATA_KEY",
    "MICRO_DIGITS",
    "Checkpoint",
    "check_destination",
    "check_state",
    "load_checkpoint",
    "save_checkpoint",
]
