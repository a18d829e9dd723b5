"""``Activation``: any function of one number, as a table of 256 entries."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointwise.hw.contract.stream import TABLE_ENTRIES
from pointwise.model.integer.requantise import look_up

from ..functions import NAMES, function, least
from ..op import Numbers, Op
from ..value import FLOAT, LIMITS, Value

if TYPE_CHECKING:
    from torch import Tensor


BITS = range(2, 9)
"""Widths of a result."""


@dataclass(frozen=True, eq=False)
class Activation(Op):
    """y = function(x); in integers y = table[x & 255].

    Attributes:
        function: one of ``pointwise.model.graph.functions.NAMES``.
        bits: of the result, 2..8: it takes 2^bits values at most, whatever its type.
        step: of a result of real numbers that is rounded to these values, as it was trained; 0 where it is
            not rounded.
        table: (256,) integers of ``dtype``; entry i belongs to the int8 with the byte i.
        dtype: of the result: int8 or uint8.
    """

    table: Numbers = None
    dtype: str = "int8"
    function: str = "gelu"
    bits: int = 8
    step: float = 0.0

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {"table": np.int16}

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        self.needs(source, 0, "int8")
        if self.function not in NAMES:
            raise self.refused(f"is {self.function!r}; choose one of {', '.join(NAMES)}")
        if self.bits not in BITS or (self.bits < BITS[-1] and least(self.function) is None):
            raise self.refused(
                f"has a result of {self.bits} bits; {BITS[0]} to {BITS[-1]} are possible, and fewer than "
                f"{BITS[-1]} of a function that has a least value"
            )
        if source.dtype == FLOAT:
            return source
        self.needs_dtype(self.dtype, "int8", "uint8")
        self.needs_shape("table", (TABLE_ENTRIES,))
        self.needs_range("table", *LIMITS[self.dtype])
        return Value(source.shape, self.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        return look_up(inputs[0], self.table)

    def reference(self, *inputs: "Tensor") -> "Tensor":
        made = function(self.function)(inputs[0])
        if not self.step:
            return made
        levels, zero = self.levels, self.zero_of(self.step)
        return (((made / self.step + 0.5).floor() + zero).clamp(0, levels) - zero) * self.step

    @property
    def levels(self) -> int:
        """The largest integer of a result that begins at 0."""
        return (1 << self.bits) - 1

    def zero_of(self, step: float) -> int:
        """The integer of such a result that stands for 0: what is least is the integer 0."""
        return min(self.levels, max(0, math.floor(-(least(self.function) or 0.0) / step + 0.5)))
