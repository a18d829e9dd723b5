"""Post-training quantisation: a network of real numbers and calibration inputs to a graph of integers."""

from .calibrate import calibrate
from .convert import convert
from .inputs import patchify
from .io import load_network, save_network
from .recipe import LayerConfig, Recipe, load_recipe

__all__ = [
    "LayerConfig",
    "Recipe",
    "calibrate",
    "convert",
    "load_network",
    "load_recipe",
    "patchify",
    "save_network",
]
