"""Operators as ONNX nodes, a function each. A new operator is one more function, listed in ``ONNX_OPS``.

Each takes what its operator reads, and gives what it makes: integers called like the operator where it makes
8 bits, else real values called ``NAME.real``.
"""

import json
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
    Conv2d,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool,
    MeanPool,
    Slice,
    Softmax,
)
from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS
from pointwise.model.quantise.exponentials import EXP_MAX

from .norms import norm_epsilon, norm_step
from .onnx_graph import OnnxGraph, Tensor
from .onnx_pictures import conv2d, max_pool, mean_pool
from .onnx_sums import DTYPES, accumulator_steps, bias_of, real_bias, rounded

EXACT = 1e-6
"""Part by which factors differ from 1, and offsets from 0, that are nothing but rounding of float64."""


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
    steps = accumulator_steps(op, step)
    weight = graph.stored(f"{op.name}.weight", op.weight.astype(np.int8).T, steps / source.step, axis=1)
    value = graph.node("MatMul", [graph.real(source), weight], f"{op.name}.product")
    if source.front:
        before = graph.constant(f"{op.name}.pads", np.array([0, source.front, 0, 0, 0, 0], np.int64))
        value = graph.node("Pad", [value, before], f"{op.name}.tokens")
    return rounded(graph, op, step, value, bias_of(graph, op, step, source.zero))


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
    steps = accumulator_steps(op, step)
    factor = steps / (left.step * right.step)
    value = graph.with_constant("Mul", value, f"{op.name}.factor", factor, f"{op.name}.scaled")
    return rounded(graph, op, step, value, real_bias(graph, op, step))


def _activation(graph: OnnxGraph, op: Activation, step: float, source: Tensor) -> Tensor:
    """The table is a Gather, whose negative index counts from the end."""
    index = graph.node("Cast", [source.name], f"{op.name}.index", to=TensorProto.INT32)
    dtype = DTYPES[op.dtype]
    table = graph.constant(f"{op.name}.table", np.asarray(op.table).astype(dtype))
    scale = op.quantisation
    told = {"function": op.function, "offset": source.offset, "scale": scale.step, "zero": scale.zero_point}
    value = graph.node("Gather", [table, index], op.name, doc_string=json.dumps(told))
    return Tensor(value, source.channels, dtype, step, op.quantisation.zero_point)


def _add(graph: OnnxGraph, op: Add, step: float, left: Tensor, right: Tensor) -> Tensor:
    if op.dtype == "int16":
        value = graph.node("Add", [graph.real(left), graph.real(right)], f"{op.name}.real")
        return Tensor(value, left.channels, np.float32, step)
    # Of steps: those of the second input count ``factor`` times, and the sum in parts of a step. Calibration
    # chooses these such that real values are added as they are.
    made = Tensor(op.name, left.channels, DTYPES[op.dtype], step, op.quantisation.zero_point)
    part, terms = step * 2.0**-op.shift, []
    for name, source, times in (("new", left, 1), ("old", right, op.factor)):
        value, ratio = graph.real(source), part * times / source.step
        if abs(ratio - 1) > EXACT:
            value = graph.with_constant("Mul", value, f"{op.name}.{name}.factor", ratio, f"{op.name}.{name}")
        terms.append(value)
    value = graph.node("Add", terms, f"{op.name}.sum")
    offset = part * (left.zero + op.factor * right.zero) - step * made.zero
    if abs(offset) > EXACT * step:
        value = graph.with_constant("Add", value, f"{op.name}.offset", offset, f"{op.name}.centred")
    return graph.quantise(value, made)


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
    Conv2d: conv2d,
    LayerNorm: _layer_norm,
    Linear: _linear,
    MatMul: _matmul,
    MaxPool: max_pool,
    MeanPool: mean_pool,
    Slice: _slice,
    Softmax: _softmax,
}
"""The function of every kind of operator but ``Input``, which is what the file as a whole is given."""
