"""To the nearest integer, each weight for itself."""

import numpy as np

from ..moments import ErrorMatrix


def nearest(weight: np.ndarray, error: ErrorMatrix, limit: int, iterations: int) -> np.ndarray:
    """⌊w + ½⌋, clamped to ±limit."""
    return np.clip(np.floor(weight + 0.5), -limit, limit)
