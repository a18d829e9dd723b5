"""What training aware of quantisation has fixed, so that calibration does not choose it again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pointwise.hw.contract.errors import PointwiseError

STORED_BITS = (2, 4, 8)
"""Widths in which the memory image can hold weights."""


@dataclass(frozen=True)
class WeightGrid:
    """The integers that the weights of a linear layer may become, a row for each output channel.

    Attributes:
        bits: width of the integers in the image, one of ``STORED_BITS``.
        largest: (N,) the integer that the largest magnitude of each row becomes.
    """

    bits: int
    largest: np.ndarray

    @classmethod
    def of(cls, bits: int, rows: int) -> WeightGrid:
        """The whole range of so many bits (2..8) for each row: ±127, ±7, and with 2 bits −1, 0 and 1."""
        return cls(stored_bits(bits), np.full(rows, (1 << (bits - 1)) - 1))

    def __getitem__(self, rows: slice) -> WeightGrid:
        """The grid of some of the rows."""
        return WeightGrid(self.bits, self.largest[rows])


@dataclass(frozen=True)
class Trained:
    """What is fixed, by name; what is not in here is calibrated.

    Attributes:
        weights: grids of linear layers by the name of their module (``blocks.0.attn.qkv``).
        steps: real value of one step of activations by the name of their record (``model.quantise.observe``),
            the same for all channels.
    """

    weights: dict[str, WeightGrid] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)


def stored_bits(bits: int) -> int:
    """Return the least of ``STORED_BITS`` that holds integers of ``bits`` bits; raises PointwiseError."""
    if not 2 <= bits <= STORED_BITS[-1]:
        raise PointwiseError(
            f"Weights of {bits} bits were asked for, but the core takes 2 to {STORED_BITS[-1]}."
        )
    return next(width for width in STORED_BITS if width >= bits)
