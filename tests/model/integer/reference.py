"""The arithmetic read a second time: Python integers and fractions, one number at a time, from the
documentation.

Nothing here is shared with ``pointwise.model.integer`` but the contents of the two tables.
"""

from __future__ import annotations

import math
from fractions import Fraction

from pointwise.hw.contract.tables import reciprocal_table, rsqrt_table


def rounded(value: Fraction) -> int:
    """To the nearest integer, ties towards +∞."""
    return math.floor(value + Fraction(1, 2))


def scaled(value: int, shift: int) -> int:
    """value / 2^shift, rounded."""
    return rounded(Fraction(value, 2**shift))


def clamp(value: int, low: int, high: int) -> int:
    return low if value < low else high if value > high else value


def requantise(acc: int, bias: int, mult: int, shift: int, low: int, high: int) -> int:
    return clamp(rounded(Fraction((acc + bias) * mult, 2**shift)), low, high)


def interpolated(row: tuple[int, int], delta: int) -> int:
    """A segment of a table: value minus the drop for ``delta`` of 1024 parts, from 17 bits to 16."""
    value = row[0] - rounded(Fraction(row[1] * delta, 1024))
    return min(rounded(Fraction(value, 2)), 65535)


def bits_behind(value: int, count: int) -> int:
    """The ``count`` bits behind the leading one; zeros where the number has no more."""
    digits = bin(value)[3:]
    return int((digits + "0" * count)[:count], 2)


def reciprocal(value: int) -> tuple[int, int]:
    """(mult, leading) with 1/value ≈ mult · 2^−(16 + leading)."""
    fraction = bits_behind(value, 17)
    return interpolated(reciprocal_table()[fraction >> 10], fraction & 1023), len(bin(value)) - 3


def reciprocal_sqrt(value: int) -> tuple[int, int]:
    """(mult, half) with 1/√value ≈ mult · 2^−(16 + half)."""
    leading = len(bin(value)) - 3
    fraction = bits_behind(value, 16)
    row = rsqrt_table()[64 * (leading % 2) + (fraction >> 10)]
    return interpolated(row, fraction & 1023), leading // 2


def statistics(token: list[int], constants) -> tuple[int, int, int]:
    """(mean, mult, shift) of one token's channels."""
    total, squares = sum(token), sum(x * x for x in token)
    mean = scaled(total * constants.mean_mult, constants.mean_shift - 8)  # with 8 fraction bits
    spread = max(squares - scaled(total * mean, 8), 0)
    mantissa, half = reciprocal_sqrt(max(spread + constants.epsilon, 1))
    mult = min(scaled(mantissa * constants.norm_mult, 16), 65535)
    return scaled(mean, 7), mult, half + constants.norm_shift + 1


def normalise(x: int, mean: int, mult: int, shift: int, channel_shift: int) -> int:
    return clamp(scaled((2 * x - mean) * mult, shift + channel_shift), -128, 127)


def divide(acc: int, total: int) -> int:
    """acc / total with 12 fraction bits."""
    mult, leading = reciprocal(max(total, 1))
    return scaled(acc * mult, leading + 4)


def convolve(activations: list[list[int]], weights: list[list[int]]) -> list[list[int]]:
    return [[sum(a * w for a, w in zip(token, row, strict=True)) for row in weights] for token in activations]
