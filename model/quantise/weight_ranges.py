"""How far a row of weights reaches in its integers: all of it, or less for a finer step.

A method is a function of weights (N, K), the importance (K,) of their columns and the largest integer, which
returns the largest magnitude (N,) that is not clipped.
"""

from collections.abc import Callable

import numpy as np

from .registry import find

FRACTIONS = tuple(1 - 0.02 * step for step in range(31))
"""Parts of a row's largest weight that ``mse`` tries. Four bits and fewer want much of the range clipped."""

WeightRange = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def minmax(weight: np.ndarray, importance: np.ndarray, limit: int) -> np.ndarray:
    """The largest magnitude of each row: nothing is clipped."""
    return np.abs(weight).max(axis=1)


def mse(weight: np.ndarray, importance: np.ndarray, limit: int) -> np.ndarray:
    """The least squared error of the convolution's result, with ``importance`` the power of each input."""
    largest = np.abs(weight).max(axis=1)
    best, error = largest.copy(), np.full(len(weight), np.inf)
    for fraction in FRACTIONS:
        step = np.where(largest > 0, largest * fraction / limit, 1.0)[:, None]
        rounded = np.clip(np.floor(weight / step + 0.5), -limit, limit) * step
        attempt = (rounded - weight) ** 2 @ importance
        better = attempt < error
        best[better], error[better] = largest[better] * fraction, attempt[better]
    return best


WEIGHT_RANGES: dict[str, WeightRange] = {"minmax": minmax, "mse": mse}
"""The methods by the name that a recipe gives them."""


def weight_range_method(name: str) -> WeightRange:
    """Return the method of that name, or the function that ``package.module:name`` names.

    Raises:
        PointwiseError: there is none.
    """
    return find(name, WEIGHT_RANGES, "weight range method")
