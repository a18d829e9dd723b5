"""Products: what ``model.integer.convolution`` and windows are in ONNX.

Both sides are unsigned bytes with a zero point: onnxruntime multiplies these exactly on every processor,
while bytes with a sign may saturate where there is no VNNI.
"""

import numpy as np

from pointwise.model.graph.window import Window

from .graph import IntegerGraph, Value

MIDDLE = 128
"""The unsigned byte that stands for the int8 0."""


def unsigned(graph: IntegerGraph, value: Value) -> tuple[str, int]:
    """A value as unsigned bytes, and the one that stands for 0."""
    if value.dtype == "uint8":
        return value.name, 0
    return graph.cast(graph.add(graph.wide(value), MIDDLE), "uint8"), MIDDLE


def matmul(graph: IntegerGraph, left: Value, right: Value, transposed: bool) -> str:
    """The product of two values, int64; of the second's tokens with ``transposed``."""
    (first, zero), (second, other) = unsigned(graph, left), unsigned(graph, right)
    if transposed:
        second = graph.do("Transpose", second, perm=[0, 2, 1])
    return _product(graph, first, second, zero, other)


def linear(graph: IntegerGraph, source: Value, weight: np.ndarray) -> str:
    """The product of a value and weights (N, K), int64."""
    values, zero = unsigned(graph, source)
    constant = graph.constant(f"{graph.scope}.weight", _unsigned(weight.T))
    return _product(graph, values, constant, zero, MIDDLE)


def conv2d(
    graph: IntegerGraph, source: Value, weight: np.ndarray, window: Window, groups: int, pad: int
) -> tuple[str, np.ndarray]:
    """Sums under a window, int64, each less what the second result says.

    ConvInteger puts its zero point around the picture, so that is ``pad``: what all weights then lack is the
    sum of theirs times it.

    Args:
        weight: (N, K / groups, lines, taps). pad: the integer around the picture.

    Returns:
        (batch, tokens, N), and (N,) int64 to be added.
    """
    values, zero = unsigned(graph, source)
    made = graph.do(
        "ConvInteger",
        as_picture(graph, window, values),
        graph.constant(f"{graph.scope}.weight", _unsigned(weight)),
        graph.numbers(zero + pad, "uint8"),
        graph.numbers(MIDDLE, "uint8"),
        group=groups,
        **attributes(window),
    )
    sums = as_tokens(graph, window, made, len(weight))
    return graph.cast(sums, "int64"), pad * weight.reshape(len(weight), -1).sum(axis=1, dtype=np.int64)


def as_picture(graph: IntegerGraph, window: Window, value: str) -> str:
    """(batch, tokens, channels) as (batch, channels, height, width)."""
    value = graph.do("Reshape", value, graph.numbers([0, *window.size, -1]))
    return graph.do("Transpose", value, perm=[0, 3, 1, 2])


def as_tokens(graph: IntegerGraph, window: Window, value: str, channels: int) -> str:
    """A picture as tokens again."""
    value = graph.do("Transpose", value, perm=[0, 2, 3, 1])
    return graph.do("Reshape", value, graph.numbers([0, window.out_tokens, channels]))


def attributes(window: Window) -> dict[str, list[int]]:
    """How a kernel goes over a picture."""
    return {
        "kernel_shape": [*window.kernel],
        "strides": [*window.stride],
        "pads": [*window.padding],
        "dilations": [*window.dilation],
    }


def _product(graph: IntegerGraph, left: str, right: str, zero: int, other: int) -> str:
    points = (graph.numbers(point, "uint8") for point in (zero, other))
    return graph.cast(graph.do("MatMulInteger", left, right, *points), "int64")


def _unsigned(weight: np.ndarray) -> np.ndarray:
    return (weight.astype(np.int16) + MIDDLE).astype(np.uint8)
