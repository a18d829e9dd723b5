"""Post-training quantisation: a float DeiT and calibration images to a graph of integers."""

from .deit import quantise
from .inputs import patchify
from .io import load_network, save_network
from .recipe import LayerRecipe, Recipe, load_recipe

__all__ = ["LayerRecipe", "Recipe", "load_network", "load_recipe", "patchify", "quantise", "save_network"]
