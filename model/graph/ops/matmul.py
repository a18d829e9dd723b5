"""``MatMul``: the product of two values, as the two of attention: Q · Kᵀ and P · V."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointwise.model.integer.convolution import convolve
from pointwise.model.integer.requantise import requantise
from pointwise.model.integer.softmax import divide

from ..op import Numbers, Op
from ..value import FLOAT, LIMITS, Value

if TYPE_CHECKING:
    from torch import Tensor
from .linear import check_requantisation


@dataclass(frozen=True, eq=False)
class MatMul(Op):
    """y = factor · a · b, or with ``transposed`` of a · bᵀ; in integers requantise(a · b).

    Where a holds exponentials (``Softmax``), each row is divided by its sum before it is requantised.

    Attributes:
        transposed: b is (N, K) and not (K, N).
        factor: of the real product, as the 1/√d of attention; in integers it is in mult and shift.
        bias, mult, shift: (N,) int32, uint16, 1..47: see ``pointwise.model.integer.requantise``.
        divide: a's rows are divided by their sums: so they must be where ``Softmax`` made them.
        dtype: of the result: int8, uint8, or int16 for the residual stream.
    """

    transposed: bool = False
    factor: float = 1.0
    bias: Numbers = None
    mult: Numbers = None
    shift: Numbers = None
    divide: bool = False
    dtype: str = "int8"

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {"bias": np.int32, "mult": np.uint16, "shift": np.uint8}
    READS: ClassVar[int | None] = 2

    def infer(self, *inputs: Value) -> Value:
        left, right = inputs
        self.needs(left, 0, "int8", "uint8")
        self.needs(right, 1, "int8")
        n, k = right.shape if self.transposed else right.shape[::-1]
        if k != left.channels:
            raise self.refused(f"multiplies {left.channels} channels with {k} of {self.inputs[1]}")
        if left.dtype == FLOAT or right.dtype == FLOAT:
            return Value((left.tokens, n), FLOAT)
        self.needs_dtype(self.dtype, "int8", "uint8", "int16")
        if self.divide != left.per_row:
            state = "are" if left.per_row else "are not"
            raise self.refused(
                f"has divide = {self.divide}, but the rows of {self.inputs[0]} {state} exponentials"
            )
        check_requantisation(self, n)
        return Value((left.tokens, n), self.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        left, right = inputs
        acc = convolve(left, right if self.transposed else np.swapaxes(right, -1, -2))
        if self.divide:
            acc = divide(acc, left.sum(axis=-1))
        return requantise(acc, self.bias, self.mult, self.shift, LIMITS[self.dtype])

    def reference(self, *inputs: "Tensor") -> "Tensor":
        left, right = inputs
        return left @ (right.transpose(-1, -2) if self.transposed else right) * self.factor

    def macs(self, *inputs: Value) -> int:
        left, right = inputs
        return left.tokens * right.tokens * right.channels
