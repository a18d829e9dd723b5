"""``Linear``: a fully connected layer, which is a 1×1 convolution, with the requantisation of its sums."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointwise.hw.contract.legal import SHIFTS
from pointwise.hw.contract.stream import PACKING
from pointwise.model.integer.convolution import convolve
from pointwise.model.integer.requantise import requantise

from ..clamps import clamped
from ..op import Numbers, Op
from ..value import FLOAT, LIMITS, Value

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Linear(Op):
    """y = x · Wᵀ + b; in integers requantise(x · Wᵀ, bias, mult, shift).

    Attributes:
        weight: (N, K), real, or int8.
        bias: (N,), real, or int32. mult, shift: (N,) uint16 and 1..47, see ``model.integer.requantise``.
        weight_bits: 8, 4 or 2: how wide an integer of the weight must be to hold them all (±127, ±7, ±1).
        dtype: of the result: int8, uint8, or int16 for the residual stream.
        clamp: of ``CLAMPS``, real: what is done to the result; in integers the clamp of the type does it.
    """

    weight: Numbers = None
    bias: Numbers = None
    mult: Numbers = None
    shift: Numbers = None
    weight_bits: int = 8
    dtype: str = "int8"
    clamp: str = ""

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {
        "weight": np.int8,
        "bias": np.int32,
        "mult": np.uint16,
        "shift": np.uint8,
    }

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        self.needs(source, 0, "int8", "uint8")
        n = len(self.weight) if np.ndim(self.weight) == 2 else 0
        if not n or not source.channels:
            raise self.refused("has no channels; give it at least one in and one out")
        self.needs_shape("weight", (n, source.channels))
        if source.dtype == FLOAT:
            self.needs_shape("bias", (n,))
            return Value((source.tokens, n), FLOAT)
        self.needs_dtype(self.dtype, "int8", "uint8", "int16")
        if source.per_row:
            raise self.refused(f"multiplies the exponentials {self.inputs[0]} with weights; use MatMul")
        check_weights(self, self.weight_bits)
        check_requantisation(self, n)
        return Value((source.tokens, n), self.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        acc = convolve(inputs[0], self.weight)
        return requantise(acc, self.bias, self.mult, self.shift, LIMITS[self.dtype])

    def reference(self, *inputs: "Tensor") -> "Tensor":
        import torch

        weight, bias = (torch.as_tensor(part, dtype=inputs[0].dtype) for part in (self.weight, self.bias))
        return clamped(self.clamp, torch.nn.functional.linear(inputs[0], weight, bias))

    def macs(self, *inputs: Value) -> int:
        n = len(self.weight)
        return inputs[0].tokens * n * (1 if is_diagonal(self.weight) else inputs[0].channels)


def is_diagonal(weight: Numbers) -> bool:
    """Whether each of several channels is multiplied by itself alone, as in a copy."""
    n, k = np.shape(weight)
    if not n == k > 1 or weight[0, 1:].any():
        return False
    return bool(weight.diagonal().all()) and np.count_nonzero(weight) == n


def check_weights(op: Op, bits: int) -> None:
    """Refuse weights of a width that cannot be stored, or that do not fit it."""
    if bits not in PACKING:
        raise op.refused(f"has weights of {bits} bits; 8, 4 and 2 can be stored")
    half = 1 << bits - 1
    op.needs_range("weight", -half, half - 1)


def check_requantisation(op: Op, n: int) -> None:
    """Refuse bias, mult or shift of another shape than (N,), or out of range."""
    for name, low, high in (("bias", -(1 << 31), (1 << 31) - 1), ("mult", 0, 65535), ("shift", *SHIFTS)):
        op.needs_shape(name, (n,))
        op.needs_range(name, low, high)
