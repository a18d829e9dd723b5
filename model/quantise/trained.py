"""What is fixed already, so that calibration does not choose it: by training that is aware of quantisation,
or in a file that another program has quantised."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Quantisation

STORED_BITS = (2, 4, 8)
"""Widths in which the memory image can hold weights."""


@dataclass(frozen=True)
class WeightQuantisation:
    """The integers that the weights of a linear layer may become, a row for each output channel.

    Attributes:
        bits: width of the integers in the image, one of ``STORED_BITS``.
        largest: (N,) the integer that the largest magnitude of each row becomes.
    """

    bits: int
    largest: np.ndarray

    @classmethod
    def of(cls, bits: int, rows: int) -> WeightQuantisation:
        """The whole range of so many bits (2..8) for each row: ±127, ±7, and with 2 bits −1, 0 and 1."""
        return cls(stored_bits(bits), np.full(rows, (1 << (bits - 1)) - 1))

    def __getitem__(self, rows: slice) -> WeightQuantisation:
        """The grid of some of the rows."""
        return WeightQuantisation(self.bits, self.largest[rows])


@dataclass(frozen=True)
class TrainedQuantisation:
    """What is fixed, by name; what is not in here is calibrated.

    Attributes:
        weights: of linear layers and convolutions, by the names of the operators.
        steps: real value of one step of activations by the names of their operators, the same for all
            channels.
        activations: values whose integers are known altogether, steps, zero points and offsets, as int8. Of
            the input channels may differ; of a LayerNorm, without γ and β, by powers of two.
    """

    weights: dict[str, WeightQuantisation] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    activations: dict[str, Quantisation] = field(default_factory=dict)

    def of_values(self) -> set[str]:
        """Names of the values of which something is fixed."""
        return {*self.steps, *self.activations}


def stored_bits(bits: int) -> int:
    """Return the least of ``STORED_BITS`` that holds integers of ``bits`` bits; raises PointwiseError."""
    if not 2 <= bits <= STORED_BITS[-1]:
        raise PointwiseError(
            f"Weights of {bits} bits were asked for, but the core takes 2 to {STORED_BITS[-1]}."
        )
    return next(width for width in STORED_BITS if width >= bits)
