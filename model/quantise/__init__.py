"""Post-training quantisation: a float DeiT and calibration images to an ``IntegerNetwork``."""

from .deit import quantise
from .inputs import patchify

__all__ = ["patchify", "quantise"]
