"""``Add``: the residual addition."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointwise.model.integer.requantise import add_residual

from ..op import Op
from ..value import Value

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Add(Op):
    """The sum of two values; in integers the saturating sum of two int16 of one scale."""

    READS: ClassVar[int | None] = 2

    def infer(self, *inputs: Value) -> Value:
        left, right = inputs
        self.needs(left, 0, "int16")
        self.needs(right, 1, "int16")
        if left.shape != right.shape:
            raise self.refused(f"adds {self.inputs[1]} {right.shape} to {self.inputs[0]} {left.shape}")
        if left.dtype != right.dtype:
            raise self.refused(f"adds {self.inputs[1]}, {right.dtype}, to {self.inputs[0]}, {left.dtype}")
        return left

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        return add_residual(*inputs)

    def reference(self, *inputs: "Tensor") -> "Tensor":
        return inputs[0] + inputs[1]
