"""The file of a network in integers."""

import json
from importlib.metadata import version

import numpy as np
from onnx import ModelProto, ValueInfoProto, checker, helper

from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Input

from .graph import IntegerGraph, Value
from .inputs import given
from .ops import integers_of

OPSET = 17
"""As that of the other ONNX files; all that is needed is older."""
IR_VERSION = 8
"""The one that belongs to that opset."""


def encode(network: Graph) -> bytes:
    """The file.

    Raises:
        PointwiseError: the network is not sound, or has an operator that is not known here.
    """
    model = built(network)
    checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def built(network: Graph) -> ModelProto:
    """The model, with every value of the network under its name."""
    network.check()
    graph = IntegerGraph()
    source, first = given(graph, network)
    made: dict[str, Value] = {network.input.name: first}
    for op in network.ops:
        if isinstance(op, Input):
            continue
        value = network.values[op.name]
        with graph.of(op.name):
            integers = integers_of(graph, op, *(made[name] for name in op.inputs))
            made[op.name] = graph.made(integers, op.name, value.dtype, value.tokens, value.channels)
    model = helper.make_model(
        helper.make_graph(
            list(graph.nodes.values()),
            network.name,
            [source],
            [shown(made[network.output])],
            list(graph.constants.values()),
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pointwise",
        producer_version=version("pointwise"),
    )
    how = network[network.output].quantisation
    meaning = {
        "output.scale": np.asarray(how.scale, np.float64).tolist(),
        "output.zero_point": how.zero_point,
        "output.offset": np.asarray(how.offset, np.float64).tolist(),
    }
    helper.set_model_props(model, {name: json.dumps(value) for name, value in meaning.items()})
    return model


def shown(value: Value) -> ValueInfoProto:
    """A value as an output of the graph."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
    return helper.make_tensor_value_info(value.name, kind, ["batch", value.tokens, value.channels])
