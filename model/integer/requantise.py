"""From accumulators to activations: requantisation, table look-up, residual addition."""

import numpy as np

from .rounding import INT16, round_shift, saturate


def requantise(
    acc: np.ndarray, bias: np.ndarray, mult: np.ndarray, shift: np.ndarray, limits: tuple[int, int]
) -> np.ndarray:
    """clamp(round((acc + bias) · mult / 2^shift)), rounding half up, the product kept whole.

    Args:
        acc: (T, N) int32. bias: (N,) int32. mult: (N,) uint16. shift: (N,) 1..47.
        limits: INT8, UINT8 or INT16 of ``rounding``.

    Returns:
        (T, N) int64 within ``limits``.
    """
    whole = np.asarray(acc, np.int64) + np.asarray(bias, np.int64)
    whole *= np.asarray(mult, np.int64)  # in place, as below: most of the time goes to reading and writing it
    rounded = round_shift(whole, shift)
    return np.clip(rounded, *limits, out=rounded)


def look_up(index: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Activation function by table: entry (byte & 255), so that index −1 reads entry 255.

    Args:
        index: int8 or uint8 range. table: (256,) of int8 or uint8 values.

    Returns:
        int64 in the range of ``table``.
    """
    return np.asarray(table, np.int64)[np.asarray(index, np.int64) & 255]


def add_scaled(
    old: np.ndarray, new: np.ndarray, factor: int, shift: int, limits: tuple[int, int]
) -> np.ndarray:
    """clamp(round((new + factor · old) / 2^shift)), rounding half up: a sum of two scales in finer steps.

    Args:
        old: int8 or uint8 range. new: int16 range, in steps of 2^−shift of the result's. factor: 0..7, of
            ``old`` in those steps. shift: 0..7. limits: INT8 or UINT8 of ``rounding``.

    Returns:
        int64 within ``limits``.
    """
    total = np.asarray(new, np.int64) + factor * np.asarray(old, np.int64)
    return saturate(round_shift(total, shift) if shift else total, *limits)


def add_residual(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Saturating int16 sum of the residual stream and a result of int16 range."""
    return saturate(np.asarray(old, np.int64) + new, *INT16)
