"""``Add``: the sum of two values, such as the residual addition."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointwise.model.integer.requantise import add_residual, add_scaled

from ..clamps import clamped
from ..op import Op
from ..value import FLOAT, LIMITS, Value

if TYPE_CHECKING:
    from torch import Tensor

FACTORS = (1, 7)
SHIFTS = (0, 7)
"""Of ``add_scaled``."""


@dataclass(frozen=True, eq=False)
class Add(Op):
    """The sum of two values. In integers of two kinds: the saturating sum of two int16 of one scale; or that
    of an int16 product in fine steps and a byte of another scale, which makes a byte (``add_scaled``).

    Attributes:
        dtype: of the result in integers: int16, or int8 or uint8 of the second kind.
        factor, shift: of the second kind: its second input times 1..7, and the sum shifted right by 0..7.
        clamp: of ``CLAMPS``, real: what is done to the sum; in integers the clamp of the type does it.
    """

    dtype: str = "int16"
    factor: int = 0
    shift: int = 0
    clamp: str = ""

    READS: ClassVar[int | None] = 2

    def infer(self, *inputs: Value) -> Value:
        left, right = inputs
        if left.shape != right.shape:
            raise self.refused(f"adds {self.inputs[1]} {right.shape} to {self.inputs[0]} {left.shape}")
        if FLOAT in (left.dtype, right.dtype):
            if left.dtype != right.dtype:
                raise self.refused(f"adds {self.inputs[1]}, {right.dtype}, to {self.inputs[0]}, {left.dtype}")
            return left
        self.needs(left, 0, "int16")
        if self.dtype == "int16":
            self.needs(right, 1, "int16")
            return left
        self.needs_dtype(self.dtype, "int8", "uint8")
        self.needs(right, 1, "int8", "uint8")
        for name, (low, high) in (("factor", FACTORS), ("shift", SHIFTS)):
            if not low <= getattr(self, name) <= high:
                raise self.refused(f"has a {name} of {getattr(self, name)}, but {low} to {high} is possible")
        return Value(left.shape, self.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        new, old = inputs
        if self.dtype == "int16":
            return add_residual(new, old)
        return add_scaled(old, new, self.factor, self.shift, LIMITS[self.dtype])

    def reference(self, *inputs: "Tensor") -> "Tensor":
        return clamped(self.clamp, inputs[0] + inputs[1])
