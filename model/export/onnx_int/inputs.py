"""The input of a network: images brought to integers as ``model.quantise.inputs`` does it, in float64."""

from dataclasses import replace

import numpy as np
from onnx import TensorProto, ValueInfoProto, helper

from pointwise.model.graph import Graph
from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.graph.value import LIMITS
from pointwise.model.graph.window import Window

from .graph import IntegerGraph, Value


def given(graph: IntegerGraph, network: Graph) -> tuple[ValueInfoProto, Value]:
    """The graph's input and the integer network's.

    The first is an image, (batch, …) float32, where the network says which of its numbers stands where in the
    rows, and else the integers.
    """
    op = network.input
    tokens, channels = op.shape
    arrangement = _arrangement(network)
    if arrangement is None:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(op.dtype))
        source = helper.make_tensor_value_info(op.name, kind, ["batch", tokens, channels])
        return source, Value(op.name, op.dtype, tokens, channels)
    name = f"{op.name}.real"
    source = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *arrangement.shape])
    with graph.of(op.name):
        rows = _rows(graph, graph.cast(name, "float64"), arrangement)
        integers = graph.cast(_rounded(graph, rows, network), "int64")
        if op.zero_rows:
            integers = graph.mul(integers, (np.arange(tokens) >= op.zero_rows)[:, None])
        return source, graph.made(integers, op.name, op.dtype, tokens, channels)


def _arrangement(network: Graph) -> Arrangement | None:
    """Which number of an input stands where, without rows of zeros in front; None where nobody says."""
    if "arrangement" in network.info:
        return Arrangement.from_dict(network.info["arrangement"])
    if "input" not in network.info:
        return None
    geometry = network.info["input"]
    patch, size = (geometry["patch"],) * 2, (geometry["image_size"],) * 2
    patches = Arrangement.of_patches(geometry["in_channels"], Window(size, patch, patch))
    return replace(patches, zero_rows=network.input.zero_rows)


def _rows(graph: IntegerGraph, image: str, arrangement: Arrangement) -> str:
    """The rows of an image, float64; what is no number of it is 0."""
    places = np.arange(1, 1 + np.prod(arrangement.shape)).reshape(1, *arrangement.shape)
    # Where each comes from: the rows of an image of places have 0 where a row has nothing of it.
    index = arrangement.rows(places)[0].astype(np.int64)
    flat = graph.do("Reshape", image, graph.numbers([0, -1]))
    front = graph.do("Pad", flat, graph.numbers([0, 1, 0, 0]))
    return graph.do("Gather", front, graph.numbers(index), axis=1)


def _rounded(graph: IntegerGraph, rows: str, network: Graph) -> str:
    """The nearest integers, still float64: the operations of ``Quantisation.rounded`` in their order."""
    how = network.input.quantisation

    def with_constant(operator: str, value: str, number: object) -> str:
        return graph.do(operator, value, graph.numbers(number, "float64"))

    steps = with_constant("Div", with_constant("Sub", rows, how.offset), how.scale)
    steps = with_constant("Add", with_constant("Add", steps, how.zero_point), 0.5)
    limits = (graph.numbers(bound, "float64") for bound in LIMITS[network.input.dtype])
    return graph.do("Clip", graph.do("Floor", steps), *limits)
