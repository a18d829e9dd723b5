"""A graph of real numbers without weights: what quantisation makes of its operators, without numbers."""

from dataclasses import replace
from typing import Any

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.stream import TABLE_ENTRIES
from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Conv2d,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool,
    MeanPool,
    Slice,
    Softmax,
)
from pointwise.model.graph.ops.linear import is_diagonal
from pointwise.model.graph.passes import fold_norms
from pointwise.model.graph.passes.fold_clamps import fold_clamps
from pointwise.model.graph.value import LIMITS
from pointwise.model.quantise.patterns import byte_sums, streams

from .weightless import NORM, zeros


def weightless_graph(graph: Graph) -> Graph:
    """A network as quantisation makes it, with zeros that take no memory.

    All LayerNorms have channel shifts, and no hidden channels have tables of their own; which do depends on
    the weights.

    Args:
        graph: of real numbers, whose shapes alone count.

    Raises:
        PointwiseError: an operator stands where it cannot be quantised, or is not known.
    """
    return _Weightless(fold_norms(fold_clamps(graph))).network()


class _Weightless:
    def __init__(self, real: Graph) -> None:
        self.real = real
        self.sums, self.streams = byte_sums(real), streams(real)
        self.partners = set(self.sums.values())
        self.made: dict[str, Op] = {}

    def network(self) -> Graph:
        """All operators in order."""
        for op in self.real.ops:
            self.made[op.name] = self._weightless(op)
        return replace(self.real, ops=tuple(self.made.values()))

    def _weightless(self, op: Op) -> Op:
        match op:
            case Input():
                return replace(op, dtype="int8")
            case Concat() | Slice():
                return op
            case Constant():
                return replace(op, values=zeros(np.int16, *op.values.shape))
            case LayerNorm():
                shift = np.broadcast_to(np.uint8(1), (self.real.values[op.name].channels,))
                return LayerNorm(op.name, op.inputs, NORM, shift, layer=op.layer)
            case Softmax():
                return replace(op, table=zeros(np.int64, TABLE_ENTRIES))
            case MatMul():
                divided = isinstance(self.real[op.inputs[0]], Softmax)
                factors = self._requantised(op, self.real.values[op.name].channels)
                return replace(op, **factors, divide=divided)
            case Linear() | Conv2d():
                # A copy goes channel by channel, which the compiler sees by where its weights are.
                copy = isinstance(op, Linear) and is_diagonal(op.weight)
                weight = np.eye(len(op.weight), dtype=np.int8) if copy else zeros(np.int8, *op.weight.shape)
                return replace(op, weight=weight, **self._requantised(op, len(weight)), clamp="")
            case MeanPool():
                return replace(op, **self._requantised(op, self.real.values[op.name].channels))
            case MaxPool():
                return replace(op, pad=LIMITS[self._dtype(op.inputs[0])][0])
            case Activation():
                return replace(op, table=zeros(np.int64, TABLE_ENTRIES), dtype=self._table_dtype(op))
            case Add():
                return self._sum(op)
        raise PointwiseError(
            f"{type(op).__name__} {op.name} cannot be estimated without weights; quantise the network, and "
            "name it with --network"
        )

    def _requantised(self, op: Op, n: int) -> dict[str, Any]:
        factors = zeros(np.int64, n)
        ones = np.broadcast_to(np.int64(1), (n,))
        wide = op.name in self.streams or op.name in self.partners
        return {"bias": factors, "mult": factors, "shift": ones, "dtype": "int16" if wide else "int8"}

    def _sum(self, op: Add) -> Add:
        if op.name not in self.sums:
            return op
        new = self.sums[op.name]
        old = op.inputs[1] if op.inputs[0] == new else op.inputs[0]
        return replace(op, inputs=(new, old), dtype="int8", factor=1, shift=0, clamp="")

    def _table_dtype(self, op: Activation) -> str:
        """Bytes without a sign, but where the array holds them still, as it does for a mean."""
        readers = self.real.readers[op.name]
        held = any(isinstance(reader, MeanPool) for reader in readers)
        return "int8" if held else "uint8"

    def _dtype(self, name: str) -> str:
        return getattr(self.made[name], "dtype", "int8")
