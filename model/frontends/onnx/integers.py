"""Integers of a file that is quantised, between the two operators of a pair."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pointwise.model.frontends.symbol import Symbol
from pointwise.model.integer.rounding import INT8


@dataclass(frozen=True)
class Quantised:
    """A value between the two operators of a pair.

    Attributes:
        symbol: the value in real numbers. scale, zero: (), what its integers stand for; zero None for 0.
        kind: int8 or uint8.
        looked_up: the integers are those of a table, of which what follows tells the scale.
    """

    symbol: Symbol
    scale: Tensor
    zero: Tensor | None
    kind: torch.dtype = torch.int8
    looked_up: bool = False

    @property
    def zero_point(self) -> int:
        """The integer that stands for 0, as an int8."""
        zero = 0 if self.zero is None else int(self.zero)
        return zero + INT8[0] if self.kind == torch.uint8 else zero
