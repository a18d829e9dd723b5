"""``MeanPool``: the mean of a value's tokens, such as global average pooling."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointwise.model.integer.requantise import requantise

from ..op import Numbers, Op
from ..value import FLOAT, LIMITS, Value
from .linear import check_requantisation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class MeanPool(Op):
    """The mean over all tokens from ``first`` on; in integers requantise(their sum, bias, mult, shift).

    Attributes:
        first: so many tokens in front are left out.
        bias, mult, shift: (N,) int32, uint16, 1..47: see ``model.integer.requantise``.
        dtype: of the result: int8, uint8 or int16.
    """

    first: int = 0
    bias: Numbers = None
    mult: Numbers = None
    shift: Numbers = None
    dtype: str = "int8"

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {"bias": np.int32, "mult": np.uint16, "shift": np.uint8}

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        self.needs(source, 0, "int8")
        if not 0 <= self.first < source.tokens:
            raise self.refused(f"leaves out {self.first} tokens of {source.tokens}; leave at least one")
        if source.dtype == FLOAT:
            return Value((1, source.channels), FLOAT)
        self.needs_dtype(self.dtype, "int8", "uint8", "int16")
        check_requantisation(self, source.channels)
        return Value((1, source.channels), self.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        total = np.asarray(inputs[0], np.int64)[..., self.first :, :].sum(axis=-2, keepdims=True)
        return requantise(total, self.bias, self.mult, self.shift, LIMITS[self.dtype])

    def reference(self, *inputs: "Tensor") -> "Tensor":
        return inputs[0][..., self.first :, :].mean(dim=-2, keepdim=True)
