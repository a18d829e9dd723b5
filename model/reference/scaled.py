"""Scaled numbers and their operators, after Chang and Sobelman, *Scaled Quantization for the Vision
Transformer*.

A number is an integer and a scale of its own, integer / 2^scale. A reference to measure our operators
against: no part of the accelerator computes so. Everything works on arrays, element by element.

What the paper leaves open, and how it is read here:

- "Only keep P MSBs" (Algorithm 1): the P highest bits of the magnitude, counted from its leading one, cut and
  not rounded; the sign stands apart. "Size of input" is the number of bits that are dropped. Table 2 comes
  out digit by digit with this.
- A real number becomes the nearest integer of P bits with sign, at the largest scale that has room for it:
  the paper's 15.25 is 122 / 2³. Scales have 5 bits, −16..15.
- Algorithm 2 is to go on if "Sum is not larger than 2^P − 1 or T ≠ 5", with which 1/3 would never end: read
  as "and", so that five partial quotients are summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

P = 8
"""Bits of an integer (section 4)."""
SCALES = (-16, 15)
"""Scales that 5 bits hold (section 4)."""
PARTIAL_QUOTIENTS = 5
"""Where T of Algorithm 2 ends."""


@dataclass(frozen=True)
class Scaled:
    """Numbers integer / 2^scale: two int64 arrays of one shape."""

    integer: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Scaled:
        """Return the nearest numbers to real ``values``, each at its best scale."""
        values = np.asarray(values, np.float64)
        largest = (1 << (P - 1)) - 1
        # The largest scale at which the magnitude stays below 127.5, so that it does not round up to 128.
        exponent = np.frexp(np.abs(values) / (largest + 0.5))[1]
        scale = np.where(values == 0, 0, np.clip(-exponent, *SCALES))
        whole = np.floor(np.abs(values) * 2.0**scale + 0.5)
        return cls((np.sign(values) * np.minimum(whole, largest)).astype(np.int64), scale.astype(np.int64))

    @property
    def values(self) -> np.ndarray:
        """The real numbers, float64."""
        return self.integer * 2.0 ** -self.scale.astype(np.float64)

    def __getitem__(self, index: Any) -> Scaled:
        return Scaled(self.integer[index], self.scale[index])

    def reshape(self, *shape: int) -> Scaled:
        """The same numbers in another shape."""
        return Scaled(self.integer.reshape(*shape), self.scale.reshape(*shape))


def overflow(integer: np.ndarray, scale: np.ndarray) -> Scaled:
    """Algorithm 1: what needs more than P bits keeps its P highest, and its scale drops by what is cut.

    A scale that 5 bits do not hold is brought back by shifting the integer.
    """
    integer, scale = np.broadcast_arrays(np.asarray(integer, np.int64), np.asarray(scale, np.int64))
    magnitude, sign = np.abs(integer), np.sign(integer)
    cut = np.maximum(bits(magnitude) - P, 0)
    cut = np.maximum(cut, np.minimum(scale - SCALES[1], 62))
    magnitude, scale = magnitude >> cut, scale - cut
    filled = np.minimum(magnitude << np.clip(SCALES[0] - scale, 0, 40), (1 << P) - 1)
    return Scaled(sign * filled, np.maximum(scale, SCALES[0]))


def bits(magnitude: np.ndarray) -> np.ndarray:
    """Position of the leading one plus one, for integers of 0..2^52."""
    return np.frexp(np.asarray(magnitude, np.float64))[1].astype(np.int64)


def multiply(first: Scaled, second: Scaled) -> Scaled:
    """Equation (1), with overflow."""
    return overflow(first.integer * second.integer, first.scale + second.scale)


def add(first: Scaled, second: Scaled) -> Scaled:
    """Equation (2), with overflow: both at the larger scale."""
    scale = np.maximum(first.scale, second.scale)
    total = (first.integer << (scale - first.scale)) + (second.integer << (scale - second.scale))
    return overflow(total, scale)


def subtract(first: Scaled, second: Scaled) -> Scaled:
    """Equation (2) with the minus sign."""
    return add(first, Scaled(-second.integer, second.scale))


def total(terms: Scaled, axis: int = -1) -> Scaled:
    """Equations (6) and (7): all terms at the largest of their scales, one sum, one check of overflow."""
    scale = terms.scale.max(axis=axis, keepdims=True)
    whole = (terms.integer << (scale - terms.scale)).sum(axis=axis)
    return overflow(whole, np.squeeze(scale, axis))


def divide(first: Scaled, second: Scaled) -> Scaled:
    """Algorithm 2: five partial quotients, each of what the one before has left. By 0 gives 0."""
    dividend, divisor = np.broadcast_arrays(np.abs(first.integer), np.abs(second.integer))
    sign = np.sign(first.integer) * np.sign(second.integer)
    rest, shift = dividend.astype(np.int64), np.zeros_like(dividend)
    safe = np.maximum(divisor, 1)
    quotient, scale = np.zeros_like(rest), np.zeros_like(rest)
    for _ in range(PARTIAL_QUOTIENTS):
        active = (rest > 0) & (quotient < 1 << P)
        # The smallest rest · 2^C that is not below the divisor (lines 9 and 12 in one).
        raised = np.maximum(bits(safe) - bits(np.maximum(rest, 1)), 0)
        raised += (rest << raised) < safe
        shift = np.where(active, shift + raised, shift)
        partial, left = np.divmod(rest << raised, safe)
        quotient = np.where(active, (quotient << (shift - scale)) + partial, quotient)
        scale = np.where(active, shift, scale)
        rest = np.where(active, left, 0)
    return overflow(np.where(divisor > 0, sign * quotient, 0), scale + first.scale - second.scale)
