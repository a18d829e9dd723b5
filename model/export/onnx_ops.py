"""Operators as ONNX nodes, a function each. A new operator is one more function, listed in ``ONNX_OPS``.

Each takes what its operator reads, and gives what it makes: integers called like the operator where it makes
8 bits, else real values called ``NAME.real``.
"""

from collections.abc import Callable

import numpy as np
from onnx import TensorProto

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Op
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    LayerNorm,
    Linear,
    MatMul,
    Slice,
    Softmax,
)
from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS
from pointwise.model.quantise.exponentials import EXP_MAX

from .norms import norm_epsilon, norm_step
from .onnx_graph import OnnxGraph, Tensor

INT32 = np.iinfo(np.int32)
DTYPES: dict[str, type[np.number]] = {"int8": np.int8, "uint8": np.uint8, "int16": np.float32}
"""Types of the graph's values in ONNX: the residual stream is left in float32."""


def add_op(graph: OnnxGraph, op: Op, step: float, *inputs: Tensor) -> Tensor:
    """Add the nodes of an operator; returns its result.

    Args:
        step: real value of one step of the result. inputs: what it reads.

    Raises:
        PointwiseError: ONNX cannot say it with its own operators.
    """
    function = ONNX_OPS.get(type(op))
    if function is None:
        raise PointwiseError(
            f"The export to ONNX does not know {type(op).__name__}, the operator of {op.name}; export it as "
            "numpy."
        )
    return function(graph, op, step, *inputs)


def _constant(graph: OnnxGraph, op: Constant, step: float) -> Tensor:
    values = (op.values * step).astype(np.float32)[None]
    return Tensor(graph.constant(f"{op.name}.real", values), values.shape[-1], np.float32, step)


def _linear(graph: OnnxGraph, op: Linear, step: float, source: Tensor) -> Tensor:
    """Weights with a step for each channel, and the bias in steps of the accumulator."""
    steps = _accumulator_steps(op, step)
    weight = graph.stored(f"{op.name}.weight", op.weight.astype(np.int8).T, steps / source.step, axis=1)
    value = graph.node("MatMul", [graph.real(source), weight], f"{op.name}.product")
    # The integer network has the zero point of its input in the bias.
    bias = op.bias.astype(np.int64) + source.zero * op.weight.sum(axis=1, dtype=np.int64)
    if bias.min() < INT32.min or bias.max() > INT32.max:
        raise PointwiseError(
            f"A bias of {op.name} does not fit 32 bits once the zero point of its input is taken out; "
            "export it as numpy."
        )
    stored = graph.stored(f"{op.name}.bias", bias.astype(np.int32), steps, axis=0)
    return _rounded(graph, op, step, value, stored)


def _matmul(graph: OnnxGraph, op: MatMul, step: float, left: Tensor, right: Tensor) -> Tensor:
    if left.zero or right.zero:
        raise PointwiseError(
            f"The attention of {op.name} reads a tensor with a zero point, which the export to ONNX does "
            "not know; export it as numpy."
        )
    other = graph.real(right)
    if op.transposed:
        other = graph.node("Transpose", [other], f"{op.name}.keys", perm=[0, 2, 1])
    value = graph.node("MatMul", [graph.real(left), other], f"{op.name}.product")
    steps = _accumulator_steps(op, step)
    factor = steps / (left.step * right.step)
    value = graph.with_constant("Mul", value, f"{op.name}.factor", factor, f"{op.name}.scaled")
    bias = graph.constant(f"{op.name}.bias", (op.bias * steps).astype(np.float32))
    return _rounded(graph, op, step, value, bias)


def _accumulator_steps(op: Linear | MatMul, step: float) -> np.ndarray:
    """(N,) real values of one step before requantisation."""
    return op.mult.astype(np.float64) * 2.0 ** -op.shift.astype(np.float64) * step


def _rounded(graph: OnnxGraph, op: Linear | MatMul, step: float, product: str, bias: str) -> Tensor:
    """Product and bias, rounded to 8 bits or left as they are."""
    dtype = DTYPES[op.dtype]
    if dtype is np.float32:
        value = graph.node("Add", [product, bias], f"{op.name}.real")
        return Tensor(value, len(op.bias), dtype, step)
    value = graph.node("Add", [product, bias], f"{op.name}.sum")
    return graph.quantise(value, Tensor(op.name, len(op.bias), dtype, step, op.quantisation.zero_point))


def _activation(graph: OnnxGraph, op: Activation, step: float, source: Tensor) -> Tensor:
    """The table is a Gather, whose negative index counts from the end."""
    index = graph.node("Cast", [source.name], f"{op.name}.index", to=TensorProto.INT32)
    dtype = DTYPES[op.dtype]
    table = graph.constant(f"{op.name}.table", np.asarray(op.table).astype(dtype))
    value = graph.node("Gather", [table, index], op.name)
    return Tensor(value, source.channels, dtype, step, op.quantisation.zero_point)


def _add(graph: OnnxGraph, op: Add, step: float, left: Tensor, right: Tensor) -> Tensor:
    value = graph.node("Add", [graph.real(left), graph.real(right)], f"{op.name}.real")
    return Tensor(value, left.channels, np.float32, step)


def _layer_norm(graph: OnnxGraph, op: LayerNorm, step: float, source: Tensor) -> Tensor:
    """LayerNormalization whose factor is the channels' power of two: γ is in the weights, as everywhere."""
    shift = np.zeros(source.channels) if op.channel_shift is None else np.asarray(op.channel_shift)
    factor = graph.constant(f"{op.name}.factor", np.exp2(-shift.astype(np.float32)))
    epsilon = norm_epsilon(op.constants, source.channels, source.step)
    inputs = [graph.real(source), factor]
    value = graph.node("LayerNormalization", inputs, f"{op.name}.normalised", epsilon=epsilon)
    # One step for all channels: the shifts are in the weights, too.
    step = norm_step(op.constants, source.channels)
    return graph.quantise(value, Tensor(op.name, source.channels, np.int8, step))


def _softmax(graph: OnnxGraph, op: Softmax, step: float, source: Tensor) -> Tensor:
    """Softmax, where the table says that it is one."""
    exact = EXP_MAX * np.exp(-source.step * np.arange(len(op.table)))
    if np.abs(op.table - exact).max() > 1:
        raise PointwiseError(
            f"The table of {op.name} is not the exponential of a softmax over its scores, which is all "
            "that the export to ONNX knows; export it as numpy."
        )
    value = graph.node("Softmax", [graph.real(source)], f"{op.name}.real", axis=-1)
    # Probabilities are quotients already, which the product counts in these parts.
    return Tensor(value, source.channels, np.float32, 2.0**-DIVIDE_FRACTION_BITS)


def _concat(graph: OnnxGraph, op: Concat, step: float, *parts: Tensor) -> Tensor:
    channels = sum(part.channels for part in parts)
    made = Tensor(_moved(op, parts[0]), channels, parts[0].dtype, step, op.quantisation.zero_point)
    graph.node("Concat", [part.name for part in parts], made.name, axis=-1)
    return made


def _slice(graph: OnnxGraph, op: Slice, step: float, source: Tensor) -> Tensor:
    bounds = [
        graph.constant(f"{op.name}.{name}", np.array([number], np.int64))
        for name, number in (("first", op.first), ("end", op.first + op.count), ("axis", 1))
    ]
    value = graph.node("Slice", [source.name, *bounds], _moved(op, source))
    return Tensor(value, source.channels, source.dtype, source.step, source.zero)


def _moved(op: Op, source: Tensor) -> str:
    """What the result of an operator is called that leaves numbers as they are."""
    return f"{op.name}.real" if source.dtype is np.float32 else op.name


ONNX_OPS: dict[type[Op], Callable[..., Tensor]] = {
    Activation: _activation,
    Add: _add,
    Concat: _concat,
    Constant: _constant,
    LayerNorm: _layer_norm,
    Linear: _linear,
    MatMul: _matmul,
    Slice: _slice,
    Softmax: _softmax,
}
"""The function of every kind of operator but ``Input``, which is what the file as a whole is given."""
