"""Operators of pictures as ONNX nodes: tokens become rows and columns of pixels, and tokens again."""

import numpy as np
from onnx import TensorProto

from pointwise.model.graph.ops import Conv2d, MaxPool, MeanPool
from pointwise.model.graph.window import Window

from .onnx_graph import OnnxGraph, Tensor
from .onnx_sums import accumulator_steps, bias_of, real_bias, rounded


def conv2d(graph: OnnxGraph, op: Conv2d, step: float, source: Tensor) -> Tensor:
    """Conv of real values; what lies around them is 0."""
    steps = accumulator_steps(op, step)
    weight = graph.stored(f"{op.name}.weight", op.weight.astype(np.int8), steps / source.step, axis=0)
    picture = _as_picture(graph, op.window, graph.real(source), op.name)
    inputs = [picture, weight]
    made = graph.node("Conv", inputs, f"{op.name}.product", group=op.groups, **_window(op.window))
    value = _as_tokens(graph, op.window, made, op.name, len(op.bias))
    return rounded(graph, op, step, value, bias_of(graph, op, step, source.zero))


def max_pool(graph: OnnxGraph, op: MaxPool, step: float, source: Tensor) -> Tensor:
    """MaxPool of integers."""
    picture = _as_picture(graph, op.window, source.name, op.name)
    made = graph.node("MaxPool", [picture], f"{op.name}.largest", **_window(op.window))
    value = _as_tokens(graph, op.window, made, op.name, source.channels, output=op.name)
    return Tensor(value, source.channels, source.dtype, source.step, source.zero)


def mean_pool(graph: OnnxGraph, op: MeanPool, step: float, source: Tensor) -> Tensor:
    """Sums of integers over the tokens; the factor of requantisation makes real means of them."""
    value = graph.node("Cast", [source.name], f"{op.name}.integers", to=TensorProto.FLOAT)
    bounds = [
        graph.constant(f"{op.name}.{name}", np.array([number], np.int64))
        for name, number in (("first", op.first), ("end", np.iinfo(np.int64).max), ("axis", 1))
    ]
    value = graph.node("Slice", [value, *bounds], f"{op.name}.tokens")
    value = graph.node("ReduceSum", [value, bounds[-1]], f"{op.name}.total", keepdims=1)
    steps = accumulator_steps(op, step)
    value = graph.with_constant("Mul", value, f"{op.name}.factor", steps, f"{op.name}.scaled")
    return rounded(graph, op, step, value, real_bias(graph, op, step))


def _window(window: Window) -> dict[str, list[int]]:
    """The attributes that say how a kernel goes over a picture."""
    return {
        "kernel_shape": [*window.kernel],
        "strides": [*window.stride],
        "pads": [*window.padding],
        "dilations": [*window.dilation],
    }


def _as_picture(graph: OnnxGraph, window: Window, value: str, name: str) -> str:
    """(batch, tokens, channels) as (batch, channels, height, width)."""
    shape = graph.constant(f"{name}.pixels.shape", np.array([0, *window.size, -1], np.int64))
    value = graph.node("Reshape", [value, shape], f"{name}.pixels")
    return graph.node("Transpose", [value], f"{name}.picture", perm=[0, 3, 1, 2])


def _as_tokens(
    graph: OnnxGraph, window: Window, value: str, name: str, channels: int, output: str | None = None
) -> str:
    """A picture as tokens again."""
    value = graph.node("Transpose", [value], f"{name}.rows", perm=[0, 2, 3, 1])
    shape = graph.constant(f"{name}.rows.shape", np.array([0, window.out_tokens, channels], np.int64))
    return graph.node("Reshape", [value, shape], output or f"{name}.rows.tokens")
