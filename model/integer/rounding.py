"""Rounding and saturation, defined once."""

import numpy as np


def round_shift(value: np.ndarray, shift: np.ndarray | int) -> np.ndarray:
    """⌊value / 2^shift + ½⌋: division by a power of two, rounding half up.

    Args:
        value: int64, any shape and any value.
        shift: 1..63, a scalar or an array that broadcasts against ``value``.

    Returns:
        int64. Ties go towards +∞: 1.5 becomes 2 and −1.5 becomes −1. (``round`` of Python, NumPy and PyTorch
        rounds ties to even and must not be used in its place.)
    """
    # Shift to one bit more than wanted, then add that bit: the same as adding 2^(shift−1) first, without
    # overflow.
    rounded = np.asarray(value, np.int64) >> (np.asarray(shift, np.int64) - 1)
    odd = rounded & 1
    rounded >>= 1
    rounded += odd
    return rounded


def saturate(value: np.ndarray, low: int, high: int) -> np.ndarray:
    """``value`` clamped to low..high, both included."""
    return np.clip(value, low, high)


INT8 = (-128, 127)
UINT8 = (0, 255)
INT16 = (-32768, 32767)
