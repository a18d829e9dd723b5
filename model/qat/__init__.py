"""Quantisation-aware training: quantisers with a training path and an integer path, and pruning."""

from .base import Quantiser, round_through
from .choose import QUANTISERS, quantiser_class
from .convert import integer_network
from .prune import Pruner
from .train import QatRecipe, QatResult, train_aware

__all__ = [
    "QUANTISERS",
    "Pruner",
    "QatRecipe",
    "QatResult",
    "Quantiser",
    "integer_network",
    "quantiser_class",
    "round_through",
    "train_aware",
]
