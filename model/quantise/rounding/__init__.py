"""Rounding methods: from weights in steps to integers.

A method is one file with one function that follows ``Rounding``, and one entry in ``ROUNDINGS``. One of
your own
needs no entry: ``package.module:function`` names it as well.
"""

from collections.abc import Callable

import numpy as np

from ..moments import ErrorMatrix
from ..registry import find
from .adaround import adaround
from .gptq import gptq
from .nearest import nearest

Rounding = Callable[[np.ndarray, ErrorMatrix, int, int], np.ndarray]
"""Takes weights (N, K) in steps of their row, the error matrix of their input, the largest integer, and the
number of iterations; returns integers (N, K) of at most that magnitude."""

ROUNDINGS: dict[str, Rounding] = {"nearest": nearest, "gptq": gptq, "adaround": adaround}
"""The methods by the name that a recipe gives them."""


REMAINING = {"gptq": 0.25, "adaround": 0.3}
"""Part of the error of rounding to the nearest that is left, about, in the convolutions of a DeiT; all of it
for a method that is not in here."""
EIGHT_BITS = 127
"""The largest integer of 8 bits."""


def weight_noise(name: str, limit: int) -> float:
    """About how much noise a rounding method leaves, as a part of that of 8 bits to the nearest.

    By it finer weights are weighed against finer inputs, such as by LayerNorm's factors.

    Args:
        name: of the method. limit: the largest integer of a weight.
    """
    return REMAINING.get(name, 1.0) * (EIGHT_BITS / limit) ** 2


def rounding_method(name: str) -> Rounding:
    """Return the rounding of that name, or the function that ``package.module:name`` names.

    Raises:
        PointwiseError: there is none.
    """
    return find(name, ROUNDINGS, "rounding method")


__all__ = ["ROUNDINGS", "Rounding", "rounding_method", "weight_noise"]
