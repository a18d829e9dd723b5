"""A vision transformer without weights: all its operators with their dimensions, and no numbers in them.

The compiler orders, places and cuts a network by its dimensions alone, so this gives the program of a
network without its weights, calibration or memory for them.
"""

from collections.abc import Container
from typing import Any

import numpy as np

from pointwise.hw.contract.stream import TABLE_ENTRIES
from pointwise.model.compiler.shapes import Shape
from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    Slice,
    Softmax,
)
from pointwise.model.integer.layernorm import NormConstants

NORM = NormConstants(1, 16, 1, 0, 1)
"""Of a LayerNorm without numbers."""
_TABLE = np.zeros(TABLE_ENTRIES, np.int64)


def weightless(shape: Shape, name: str = "weightless", *, shifts: bool | Container[str] = True) -> Graph:
    """A network of these dimensions as ``pointwise.model.quantise`` makes it, with zeros that take no memory.

    Args:
        shape: its dimensions. name: of the network, for messages.
        shifts: whether the layers behind a LayerNorm carry channel shifts, or the names of those that do. It
            depends on the weights: in a DeiT all of them do, in a small network some do not.

    Returns:
        A network to be compiled, estimated and timed; its results are zeros.
    """
    return _Weightless(shape, shifts).network(name)


class _Weightless:
    def __init__(self, shape: Shape, shifts: bool | Container[str]) -> None:
        self.shape, self.shifts = shape, shifts
        self.ops: list[Op] = []

    def network(self, name: str) -> Graph:
        """All operators in order."""
        s = self.shape
        self._add(Input("image", shape=(s.tokens, s.inputs), zero_rows=s.prefix))
        x = self._add(Constant("x", values=zeros(np.int16, s.tokens, s.dim)))
        x = self._residual("patch_embed", "image", x, s.inputs)
        for block in range(s.depth):
            x = self._attention(f"blocks.{block}.attn", x)
            hidden = self._behind_norm(f"blocks.{block}.mlp.fc1", x, s.hidden)
            hidden = self._add(Activation(f"blocks.{block}.mlp.act", (hidden,), _TABLE, "uint8"))
            x = self._residual(f"blocks.{block}.mlp.fc2", hidden, x, s.hidden)
        output = self._behind_norm("head", x, s.classes, token=0)
        if s.distilled:
            output = self._add(Add("logits", (output, self._behind_norm("head_dist", x, s.classes, token=1))))
        return Graph(name, tuple(self.ops), output)

    def _add(self, op: Op) -> str:
        self.ops.append(op)
        return op.name

    def _attention(self, name: str, x: str) -> str:
        s = self.shape
        contexts = []
        for head in range(s.heads):
            q, k, v = (self._behind_norm(f"{name}.{part}.{head}", x, s.head_dim) for part in "qkv")
            scores, factors = f"{name}.s.{head}", _factors(s.tokens)
            self._add(MatMul(scores, (q, k), transposed=True, **factors))
            softmax = self._add(Softmax(f"{name}.softmax.{head}", (scores,), _TABLE))
            factors = _factors(s.head_dim)
            contexts.append(self._add(MatMul(f"{name}.o.{head}", (softmax, v), divide=True, **factors)))
        context = self._add(Concat(f"{name}.contexts", tuple(contexts)))
        return self._residual(f"{name}.proj", context, x, s.heads * s.head_dim)

    def _residual(self, name: str, source: str, x: str, k: int) -> str:
        """A layer that adds to the residual stream."""
        self._add(Linear(name, (source,), **_weights(self.shape.dim, k), dtype="int16"))
        return self._add(Add(f"{name}.add", (x, name)))

    def _behind_norm(self, name: str, x: str, n: int, token: int | None = None) -> str:
        """A layer that reads the residual stream, or one token of it, through its LayerNorm."""
        carries = self.shifts if isinstance(self.shifts, bool) else name in self.shifts
        shift = np.broadcast_to(np.uint8(carries), (self.shape.dim,))
        source = self._add(LayerNorm(f"{name}.norm", (x,), NORM, shift))
        if token is not None:
            source = self._add(Slice(f"{name}.token", (source,), token, 1))
        dtype = "int8" if token is None else "int16"
        return self._add(Linear(name, (source,), **_weights(n, self.shape.dim), dtype=dtype))


def _weights(n: int, k: int) -> dict[str, Any]:
    return {"weight": zeros(np.int8, n, k), **_factors(n)}


def _factors(n: int) -> dict[str, Any]:
    bias = zeros(np.int64, n)
    return {"bias": bias, "mult": bias, "shift": np.broadcast_to(np.int64(1), (n,))}


def zeros(dtype: type, *shape: int) -> np.ndarray:
    """Zeros of any shape that share one element."""
    return np.broadcast_to(dtype(0), shape)
