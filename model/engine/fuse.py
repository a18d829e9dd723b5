"""From operators to what the core does in one go.

Each product (``Linear``, ``MatMul``, ``Conv2d``) and each pooling becomes one ``EngineOp``. What stands in
front of it (LayerNorm,
softmax, a choice of tokens, heads side by side) happens on the way into the array, and what follows (an
activation, a residual addition, the sums that a LayerNorm or softmax behind it needs) on the way out.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
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

from .check import check_order
from .op import (
    Accumulate,
    AddScaled,
    Diagonal,
    Divide,
    EngineOp,
    Exponential,
    Keys,
    LookUp,
    Normalise,
    Plain,
    Requantise,
    RowMax,
    Stage,
    TokenSums,
    Values,
    Weights,
)

Product = Linear | MatMul | Conv2d | MaxPool | MeanPool
"""What the array does; everything else happens on the way in or out."""
IDENTITY = (1 << 15, 15)
"""Multiplier and shift of a requantisation that changes nothing."""


def fuse(graph: Graph) -> tuple[EngineOp, ...]:
    """The operations of the core that carry out ``graph``, in its order.

    Raises:
        PointwiseError: the graph is not sound, or the core has no way to do one of its operators there; the
            sentence names it.
    """
    graph.check()
    made = {op.name for op in graph.ops if isinstance(op, Input | Constant)}
    done = set(made)
    ops: list[EngineOp] = []
    for op in graph.ops:
        if isinstance(op, Product):
            ops.append(_product(graph, op, made))
            made.add(ops[-1].output)
            done.update(ops[-1].members)
    for op in graph.ops:
        if op.name not in done:
            raise PointwiseError(
                f"{type(op).__name__} {op.name} stands where the core cannot do it: it is done on the way "
                "into a product (LayerNorm, Softmax, Slice, Concat) or out of one that nothing else reads "
                "(Activation, Add)"
            )
    if graph.output not in made:
        raise PointwiseError(
            f"no product stores {graph.output}, the output of network {graph.name}; name the result of one"
        )
    check_order(graph, ops)
    return tuple(ops)


@dataclass
class _Streamed:
    """What enters the array, found by walking back from a product."""

    values: tuple[str, ...]
    first: int = 0
    tokens: int = 0
    prologue: Plain | Normalise | Exponential | None = None
    members: list[str] = field(default_factory=list)


def _product(graph: Graph, op: Op, made: set[str]) -> EngineOp:
    streamed = _Streamed(()) if isinstance(op, MeanPool) else _streamed(graph, op)
    alone = len(streamed.values) == 1 and not isinstance(streamed.prologue, Exponential)
    stationary = _stationary(graph, op, alone)
    held = (stationary.value,) if isinstance(stationary, Keys | Values) else ()
    for name in (*streamed.values, *held):
        if name not in made:
            raise PointwiseError(
                f"{type(op).__name__} {op.name} reads {name}, a {type(graph[name]).__name__} whose result "
                "the core does not store"
            )
    stages, members, output = _epilogue(graph, op, made)
    source, window = graph.values[op.inputs[0]], getattr(op, "window", None)
    if window is not None and (streamed.prologue is not None or streamed.first or len(streamed.values) > 1):
        raise op.refused(
            "goes over a picture that has to be made on the way in (by a LayerNorm, a choice of tokens or "
            "values side by side); let a product make it"
        )
    prologue = streamed.prologue
    if prologue is None:
        unsigned = bool(streamed.values) and graph.values[streamed.values[0]].dtype == "uint8"
        prologue = Plain(unsigned, None if streamed.values else 1)
    mean = isinstance(op, MeanPool)
    return EngineOp(
        name=op.name,
        members=(*streamed.members, op.name, *members),
        streamed=streamed.values,
        first=streamed.first,
        tokens=1 if mean else source.tokens,
        prologue=prologue,
        stationary=stationary,
        epilogue=stages,
        output=output,
        quantisation=graph[output].quantisation,
        k=source.tokens - op.first if isinstance(op, MeanPool) else source.channels,
        n=graph.values[op.name].channels,
        macs=graph.macs_of(op),
        window=window,
        pad=getattr(op, "pad", 0),
    )


def _stationary(graph: Graph, op: Any, alone: bool) -> Weights | Diagonal | Keys | Values:
    """The operand that stays in the array.

    Args:
        alone: one value is streamed, as it is or normalised on the way in.
    """
    if isinstance(op, Linear) and alone and is_diagonal(op.weight):
        return Diagonal(op.weight.diagonal()[:, None, None])
    if isinstance(op, Linear):
        return Weights(op.weight, op.weight_bits)
    if isinstance(op, MatMul):
        return (Keys if op.transposed else Values)(op.inputs[1])
    if isinstance(op, MeanPool):
        return Values(op.inputs[0], op.first)
    channels = graph.values[op.inputs[0]].channels
    if isinstance(op, MaxPool):
        return Diagonal(np.ones((channels, *op.window.kernel), np.int8), maximum=True)
    n, each = op.weight.shape[:2]
    if each == 1 and n == channels:
        return Diagonal(op.weight[:, 0])
    if op.groups == 1:
        return Weights(op.weight, op.weight_bits)
    # Groups are blocks of a whole matrix, zeros elsewhere.
    whole = np.zeros((n, channels, *op.window.kernel), np.int8)
    for row in range(n):
        first = row // (n // op.groups) * each
        whole[row, first : first + each] = op.weight[row]
    return Weights(whole, op.weight_bits)


def _streamed(graph: Graph, product: Op) -> _Streamed:
    """Walk back from a product over what the way into the array can do."""
    found = _Streamed((product.inputs[0],))
    sliced = False
    while True:
        op = graph[found.values[0]]
        if isinstance(op, Slice) and not sliced and not isinstance(found.prologue, Exponential):
            found.first, sliced = op.first, True
        elif isinstance(op, LayerNorm) and found.prologue is None:
            found.prologue = Normalise(op.channel_shift)
        elif isinstance(op, Softmax) and found.prologue is None and not sliced:
            found.prologue = Exponential(op.table)
        elif isinstance(op, Concat) and found.prologue is None:
            found.values = op.inputs
            found.members.append(op.name)
            return found
        else:
            return found
        found.members.append(op.name)
        found.values = op.inputs


def _epilogue(graph: Graph, op: Op, made: set[str]) -> tuple[tuple[Stage, ...], list[str], str]:
    """The stages behind a product, the operators that they do, and the value that comes out."""
    stages: list[Stage] = [Divide()] if isinstance(op, MatMul) and op.divide else []
    stages.append(_requantise(graph, op))
    members: list[str] = []
    output = op.name
    reader = _only_reader(graph, output)
    if isinstance(reader, Activation):
        stages.append(LookUp(reader.table, reader.dtype))
        output = reader.name
        members.append(output)
        reader = _only_reader(graph, output)
    if isinstance(reader, Add):
        left, right = reader.inputs
        other = right if left == output else left
        wide = reader.dtype == "int16"
        if other in made and (wide or left == output):
            unsigned = graph.values[other].dtype == "uint8"
            scaled = (reader.factor, reader.shift, unsigned, reader.dtype)
            stages.append(Accumulate(other) if wide else AddScaled(other, *scaled))
            output = reader.name
            members.append(output)
    norms = [reader for reader in graph.readers[output] if isinstance(reader, LayerNorm)]
    if norms:
        if any(norm.constants != norms[0].constants for norm in norms):
            raise PointwiseError(
                f"LayerNorms {norms[0].name} and {norms[1].name} read {output} with different constants; the "
                "core keeps one set of statistics of a value"
            )
        stages.append(TokenSums(norms[0].constants))
    if any(isinstance(reader, Softmax) for reader in graph.readers[output]):
        stages.append(RowMax())
    return tuple(stages), members, output


def _requantise(graph: Graph, op: Any) -> Requantise:
    """Of a product its own; of a maximum the one that changes nothing."""
    if not isinstance(op, MaxPool):
        return Requantise(op.bias, op.mult, op.shift, op.dtype)
    value = graph.values[op.name]
    mult, shift = (np.full(value.channels, part) for part in IDENTITY)
    return Requantise(np.zeros(value.channels, np.int32), mult, shift, value.dtype)


def _only_reader(graph: Graph, name: str) -> Op | None:
    """The operator that alone reads a value, where it is not the network's result."""
    readers = graph.readers[name]
    return readers[0] if len(readers) == 1 and name != graph.output else None
