"""Operators as integer ONNX nodes, a function each.

A new operator is one more function, listed in ``INTEGER_OPS``. Each takes what its operator reads and gives
its integers, int64; who calls it brings them to the operator's type.
"""

from collections.abc import Callable

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Op
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Conv2d,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool,
    MeanPool,
    Slice,
    Softmax,
)
from pointwise.model.graph.value import LIMITS

from . import convolution, layernorm, requantise, softmax
from .graph import IntegerGraph, Value


def integers_of(graph: IntegerGraph, op: Op, *inputs: Value) -> str:
    """Add the nodes of an operator; returns the name of its integers, int64.

    Raises:
        PointwiseError: it is not known here.
    """
    function = INTEGER_OPS.get(type(op))
    if function is None:
        raise PointwiseError(
            f"The export to ONNX in integers does not know {type(op).__name__}, the operator of {op.name}; "
            "export it as numpy."
        )
    return function(graph, op, *inputs)


def _constant(graph: IntegerGraph, op: Constant) -> str:
    return graph.numbers(np.asarray(op.values, np.int64)[None])


def _linear(graph: IntegerGraph, op: Linear, source: Value) -> str:
    acc = convolution.linear(graph, source, op.weight)
    return requantise.requantise(graph, acc, op, LIMITS[op.dtype])


def _matmul(graph: IntegerGraph, op: MatMul, left: Value, right: Value) -> str:
    acc = convolution.matmul(graph, left, right, op.transposed)
    if op.divide:
        acc = softmax.divide(graph, acc, graph.wide(left))
    return requantise.requantise(graph, acc, op, LIMITS[op.dtype])


def _conv2d(graph: IntegerGraph, op: Conv2d, source: Value) -> str:
    acc, more = convolution.conv2d(graph, source, op.weight, op.window, op.groups, op.pad)
    return requantise.requantise(graph, acc, op, LIMITS[op.dtype], more)


def _max_pool(graph: IntegerGraph, op: MaxPool, source: Value) -> str:
    picture = convolution.as_picture(graph, op.window, source.name)
    made = graph.do("MaxPool", picture, **convolution.attributes(op.window))
    return graph.cast(convolution.as_tokens(graph, op.window, made, source.channels), "int64")


def _mean_pool(graph: IntegerGraph, op: MeanPool, source: Value) -> str:
    chosen = _tokens(graph, graph.wide(source), op.first, source.tokens)
    total = graph.do("ReduceSum", chosen, graph.numbers([1]), keepdims=1)
    return requantise.requantise(graph, total, op, LIMITS[op.dtype])


def _activation(graph: IntegerGraph, op: Activation, source: Value) -> str:
    return requantise.look_up(graph, source, op.table)


def _add(graph: IntegerGraph, op: Add, new: Value, old: Value) -> str:
    limits = LIMITS[op.dtype]
    if op.dtype == "int16":
        return requantise.add_residual(graph, old, new, limits)
    return requantise.add_scaled(graph, old, new, op.factor, op.shift, limits)


def _layer_norm(graph: IntegerGraph, op: LayerNorm, source: Value) -> str:
    return layernorm.normalised(graph, graph.wide(source), op.constants, op.channel_shift)


def _softmax(graph: IntegerGraph, op: Softmax, source: Value) -> str:
    return softmax.exponentials(graph, graph.wide(source), op.table)


def _concat(graph: IntegerGraph, op: Concat, *sources: Value) -> str:
    return graph.do("Concat", *(graph.wide(source) for source in sources), axis=2)


def _slice(graph: IntegerGraph, op: Slice, source: Value) -> str:
    return _tokens(graph, graph.wide(source), op.first, op.first + op.count)


def _tokens(graph: IntegerGraph, value: str, first: int, end: int) -> str:
    """Tokens first..end − 1."""
    return graph.do("Slice", value, *(graph.numbers([number]) for number in (first, end, 1)))


INTEGER_OPS: dict[type[Op], Callable[..., str]] = {
    Activation: _activation,
    Add: _add,
    Concat: _concat,
    Constant: _constant,
    Conv2d: _conv2d,
    LayerNorm: _layer_norm,
    Linear: _linear,
    MatMul: _matmul,
    MaxPool: _max_pool,
    MeanPool: _mean_pool,
    Slice: _slice,
    Softmax: _softmax,
}
"""What becomes of each operator; the network's input has its own."""
