"""Reciprocal and reciprocal square root of integers: normalise by the bit length, then interpolate linearly.

The seed of Newton's iteration in Scaled Quantization (Chang and Sobelman, Algorithm 3) is a constant and does
not converge for small inputs; here the bit length places every input in one or two octaves, and a table of
128 segments with one small multiplication gives 15 bits at once.
"""

import numpy as np

from pointwise.hw.contract.tables import (
    DELTA_BITS,
    RECIPROCAL_SEGMENTS,
    RSQRT_SEGMENTS,
    VALUE_BITS,
    reciprocal_table,
    rsqrt_table,
)

from .rounding import round_shift

MANTISSA_BITS = 16
RSQRT_INPUT_BITS = 44
RECIPROCAL_INPUT_BITS = 20
_RECIPROCAL_FRACTION = (RECIPROCAL_SEGMENTS - 1).bit_length() + DELTA_BITS
_RSQRT_FRACTION = (RSQRT_SEGMENTS - 1).bit_length() + DELTA_BITS


def _leading_bit(value: np.ndarray) -> np.ndarray:
    """Position of the highest set bit, for integers of 1..2^52."""
    return np.frexp(np.asarray(value, np.float64))[1].astype(np.int64) - 1


def _fraction(value: np.ndarray, leading: np.ndarray, bits: int) -> np.ndarray:
    """The ``bits`` bits that follow the leading one, filled with zeros or cut."""
    filled = value << np.maximum(bits - leading, 0)
    cut = value >> np.maximum(leading - bits, 0)
    return np.where(leading < bits, filled, cut) & ((1 << bits) - 1)


def _interpolate(table: tuple[tuple[int, int], ...], index: np.ndarray, delta: np.ndarray) -> np.ndarray:
    rows = np.asarray(table, np.int64)
    value = rows[index, 0] - round_shift(rows[index, 1] * delta, DELTA_BITS)
    return np.minimum((value + 1) >> (VALUE_BITS - MANTISSA_BITS), (1 << MANTISSA_BITS) - 1)


def reciprocal(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1/value ≈ mult · 2^−(16 + leading).

    Args:
        value: integers 1..2^20 − 1.

    Returns:
        mult (uint16, about 2^15..2^16 − 1) and leading (0..19), both int64. Relative error below 3.5e-5.
    """
    value = np.asarray(value, np.int64)
    leading = _leading_bit(value)
    fraction = _fraction(value, leading, _RECIPROCAL_FRACTION)
    delta = fraction & ((1 << DELTA_BITS) - 1)
    return _interpolate(reciprocal_table(), fraction >> DELTA_BITS, delta), leading


def reciprocal_sqrt(value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """1/√value ≈ mult · 2^−(16 + half).

    Args:
        value: integers 1..2^44 − 1.

    Returns:
        mult (uint16, about 2^15..2^16 − 1) and half = ⌊leading bit / 2⌋ (0..21), both int64. Relative error
        below 4e-5.
    """
    value = np.asarray(value, np.int64)
    leading = _leading_bit(value)
    fraction = _fraction(value, leading, _RSQRT_FRACTION)
    delta = fraction & ((1 << DELTA_BITS) - 1)
    index = (leading & 1) * RSQRT_SEGMENTS + (fraction >> DELTA_BITS)
    return _interpolate(rsqrt_table(), index, delta), leading >> 1
