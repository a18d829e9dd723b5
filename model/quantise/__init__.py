"""Post-training quantisation: a float DeiT and calibration images to an ``IntegerNetwork``."""

from .deit import quantise
from .inputs import patchify
from .io import load_network, save_network

__all__ = ["load_network", "patchify", "quantise", "save_network"]
