"""QuantizeLinear and DequantizeLinear: files that were quantised already, as by onnxruntime's static INT8.

A pair around a value changes no more of it than integers do anyway, but that it clamps: where the least
integer stands for 0, the pair is all that is left of a ReLU. Weights are constants that are dequantised;
their integers stay what they are.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pointwise.model.frontends import elementwise
from pointwise.model.frontends.builder import Builder
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.frontends.symbol import Symbol
from pointwise.model.graph.ops import Activation, Conv2d, Linear, MaxPool, MeanPool, Slice
from pointwise.model.integer.rounding import INT8
from pointwise.model.quantise.trained import WeightQuantisation

from .registry import translates

BOUNDED = ("relu", "relu6", "sigmoid", "hardsigmoid")
"""Functions that are nowhere negative."""


@dataclass(frozen=True)
class Quantised:
    """A value between the two operators of a pair."""

    symbol: Symbol
    scale: Tensor
    zero: Tensor | None


@translates("QuantizeLinear")
def quantise(
    build: Builder, x: Symbol, scale: Tensor, zero: Tensor | None = None, *, axis: int = 1, **more: object
) -> Quantised:
    if scale.numel() != 1:
        raise build.refused(
            f"has {scale.numel()} scales for a value that depends on the input, but one was expected; "
            "quantise activations per tensor"
        )
    kind = torch.uint8 if zero is None else zero.dtype
    if kind not in (torch.int8, torch.uint8):
        raise build.refused(f"makes {str(kind).removeprefix('torch.')}, but int8 or uint8 was expected")
    least = torch.iinfo(kind).min
    if (0 if zero is None else int(zero)) == least and not _is_positive(build, x):
        x = elementwise.apply(build, x, torch.relu)
    return Quantised(x, scale, zero)


@translates("DequantizeLinear")
def dequantise(
    build: Builder, x: Quantised, scale: Tensor, zero: Tensor | None = None, *, axis: int = 1, **more: object
) -> Symbol:
    pairs = ((x.scale, scale), (x.zero, zero))
    if any((0 if a is None else a.tolist()) != (0 if b is None else b.tolist()) for a, b in pairs):
        raise build.refused("has another scale or zero point than the QuantizeLinear in front of it")
    return x.symbol


def _is_positive(build: Builder, symbol: Symbol) -> bool:
    """Whether a value is known to be nowhere negative, with nothing left to be done to it."""
    if len(symbol.values) != 1 or not getattr(symbol.expression, "trivial", False):
        return False
    op = build.ops.get(symbol.values[0])
    while isinstance(op, MaxPool | MeanPool | Slice):
        op = build.ops[op.inputs[0]]
    if isinstance(op, Activation):
        return op.function in BOUNDED
    return getattr(op, "clamp", "") in BOUNDED


class KnownWeights:
    """Rows of dequantised weights, and the largest integer of each: what gives the same integers again."""

    def __init__(self) -> None:
        self.largest: dict[bytes, int] = {}

    def dequantised(
        self, build: Builder, integers: Tensor, scale: Tensor, zero: Tensor | None, axis: int, block: int
    ) -> Tensor:
        """A constant in real numbers; what has 8 bits is kept, biases have 32.

        Raises:
            PointwiseError: it has zero points, or scales for parts of a channel.
        """
        if block or (scale.numel() > 1 and scale.dim() != 1):
            raise build.refused("has scales for blocks of a channel; quantise weights per channel")
        offset = torch.zeros(1) if zero is None else zero
        if integers.dtype not in (torch.int8, torch.uint8, torch.int32):
            kind = str(integers.dtype).removeprefix("torch.")
            raise build.refused(f"reads {kind}, but weights of int8 or uint8 were expected")
        whole = integers.to(torch.int64) - along(offset.to(torch.int64), integers, axis)
        weights = integers.dtype != torch.int32
        if weights and whole.numel() and not INT8[0] <= int(whole.min()) <= int(whole.max()) <= INT8[1]:
            raise build.refused("has weights whose zero points leave int8; quantise them symmetrically")
        real = whole.to(torch.float32) * along(scale.to(torch.float32), integers, axis)
        if weights and integers.dim() > 1:
            self._keep(whole.numpy(), real.numpy())
        return real

    def _keep(self, integers: np.ndarray, real: np.ndarray) -> None:
        """Weights (N, …) or (K, N)."""
        ways = [(integers, real), (integers.T, real.T)] if integers.ndim == 2 else [(integers, real)]
        for whole, parts in ways:
            rows = (each.reshape(len(each), -1) for each in (whole, parts))
            for row, numbers in zip(*rows, strict=True):
                self.largest[_key(numbers)] = int(np.abs(row.astype(np.int64)).max())

    def of(self, network: GraphNetwork) -> dict[str, WeightQuantisation]:
        """Of the layers all of whose rows are known; others were changed on the way, as by LayerNorm's γ."""
        found: dict[str, WeightQuantisation] = {}
        for op in network.graph.ops:
            if not isinstance(op, Conv2d | Linear):
                continue
            weight = np.asarray(op.weight)
            rows = [self.largest.get(_key(row)) for row in weight.reshape(len(weight), -1)]
            if all(row is not None and row <= INT8[1] for row in rows):
                found[op.name] = WeightQuantisation(8, np.array(rows))
        return found


def along(part: Tensor, whole: Tensor, axis: int) -> Tensor:
    """One number, or one for each place along an axis, such that it broadcasts."""
    if part.numel() == 1:
        return part.flatten()[0]
    return part.reshape([-1 if place == axis % whole.dim() else 1 for place in range(whole.dim())])


def _key(numbers: np.ndarray) -> bytes:
    """A row by its numbers, in the float32 that the file has."""
    return (np.ascontiguousarray(numbers, np.float32) + np.float32(0)).tobytes()
