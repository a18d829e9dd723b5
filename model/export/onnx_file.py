"""``.onnx``: the network between QuantizeLinear and DequantizeLinear, for onnxruntime and tools like it.

Weights are int8 with a step for each output channel, biases int32 in steps of the accumulator. Activations
are int8 or uint8 with the steps and zero points of the integer network; where its channels differ (queries,
keys, values, context), with their mean, and the weights around it carry the rest. Between the two are the
standard operators in float32: MatMul, LayerNormalization, Softmax. An activation function is the core's own
table (Gather), whose node is documented in JSON: the function, what is added to its input, and the scale and
zero point of its result. The residual stream, 16 bits wide in the core, is left in float32.

Names are those of the integer network's operators: ``blocks.0.mlp.act`` are the 8-bit integers that this
operator makes, ``blocks.0.mlp.act.real`` what they stand for, and where nothing is rounded there is ``.real``
alone. A LayerNorm is there once for each operator that reads it: ``blocks.0.mlp.fc1.norm``. Arrays are
``NAME.weight``, ``NAME.bias``, ``NAME.table``; steps and zero points ``VALUE.scale`` and ``VALUE.zero``.

It is a float network with our rounding to 8 bits, not the integer model bit for bit: ONNX has no operators
for the integer LayerNorm, softmax and requantisation of the core. On the digits its logits differ from the
integer model's by as much as those differ from the float network's, 40 dB. (onnxruntime on an x86 processor
without VNNI sums products of int8 in 16 bits, which may saturate, and 28 dB are left; its session option
``session.x64quantprecision`` = 1 forbids that.)

Input: ``image``, (batch, colours, S, S) float32, normalised as the float network takes it; or, of a network
that is not made for images, the int8 tensor (batch, tokens, channels) that the integer network takes.
Output: ``logits``, (batch, classes) float32; (batch, tokens, classes) where the result has several tokens.
"""

from dataclasses import replace
from functools import cache
from importlib.metadata import version

import numpy as np
from onnx import TensorProto, ValueInfoProto, checker, helper

from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Add, Concat, Input, LayerNorm

from .onnx_graph import OnnxGraph, Tensor
from .onnx_ops import add_op
from .onnx_sums import DTYPES

OPSET = 17
"""The first with LayerNormalization. Higher ones would let fewer tools read the file."""
IR_VERSION = 8
"""The one that belongs to that opset."""
OUTPUT = "logits"


def encode(network: Graph) -> bytes:
    """The file.

    Raises:
        PointwiseError: the network is not sound, or an operator has a form that ONNX cannot say with its own.
    """
    network.check()
    graph = OnnxGraph()
    steps = _steps(network)
    tensors: dict[str, Tensor] = {}
    source, tensors[network.input.name] = _input(graph, network)

    @cache
    def read(name: str, reader: str) -> Tensor:
        op = network[name]
        if not isinstance(op, LayerNorm):
            return tensors[name]
        # One for each reader: onnxruntime multiplies in 8 bits only what is quantised for one product alone.
        return add_op(graph, replace(op, name=f"{reader}.norm"), steps[name], tensors[op.inputs[0]])

    for op in network.ops:
        if not isinstance(op, Input | LayerNorm):
            inputs = (read(name, op.name) for name in op.inputs)
            tensors[op.name] = add_op(graph, op, steps[op.name], *inputs)
    sink = _output(graph, network, read(network.output, OUTPUT))
    model = helper.make_model(
        helper.make_graph(
            list(graph.nodes.values()), network.name, [source], [sink], list(graph.constants.values())
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pointwise",
        producer_version=version("pointwise"),
    )
    checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _steps(network: Graph) -> dict[str, float]:
    """Real value of one step of each value; those that are added or stand side by side share theirs."""
    steps = {op.name: op.quantisation.step for op in network.ops}
    shared = {name: {name} for name in steps}
    for op in network.ops:
        if isinstance(op, Concat) or (isinstance(op, Add) and op.dtype == "int16"):
            group = shared[op.name].union(*(shared[name] for name in op.inputs))
            shared |= dict.fromkeys(group, group)
            steps |= dict.fromkeys(group, steps[op.name])
    return steps


def _input(graph: OnnxGraph, network: Graph) -> tuple[ValueInfoProto, Tensor]:
    """The graph's input, and the integer network's."""
    given = network.input
    name, (tokens, channels), step = given.name, given.shape, given.quantisation.step
    geometry = network.info.get("input")
    if geometry is None:
        tensor = Tensor(name, channels, DTYPES[given.dtype], step, given.quantisation.zero_point)
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))
        return helper.make_tensor_value_info(name, kind, ["batch", tokens, channels]), tensor
    patch, size, colours = geometry["patch"], geometry["image_size"], geometry["in_channels"]
    grid = size // patch
    per_colour = np.array([geometry["offset"], geometry["scale"]]).reshape(2, colours, 1, 1)
    value = graph.with_constant("Sub", name, f"{name}.offset", per_colour[0], f"{name}.centred")
    factor = step / per_colour[1]
    value = graph.with_constant("Mul", value, f"{name}.factor", factor, f"{name}.scaled")
    # A patch's channels are its colours, each row by row; 0 keeps the batch.
    for stage, shape in (
        ("cells", [0, colours, grid, patch, grid, patch]),
        ("patches", [0, grid * grid, -1]),
    ):
        bounds = graph.constant(f"{name}.{stage}.shape", np.array(shape, np.int64))
        value = graph.node("Reshape", [value, bounds], f"{name}.{stage}")
        if stage == "cells":
            value = graph.node("Transpose", [value], f"{name}.rows", perm=[0, 2, 4, 1, 3, 5])
    source = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", colours, size, size])
    return source, graph.quantise(value, Tensor(f"{name}.int8", channels, np.int8, step, 0, given.zero_rows))


def _output(graph: OnnxGraph, network: Graph, result: Tensor) -> ValueInfoProto:
    """The graph's output; the axis of the tokens is left out where there is one alone."""
    tokens = network.values[network.output].tokens
    if tokens > 1:
        graph.node("Identity", [graph.real(result)], OUTPUT)
        return helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", tokens, result.channels])
    axis = graph.constant(f"{OUTPUT}.axis", np.array([1], np.int64))
    graph.node("Squeeze", [graph.real(result), axis], OUTPUT)
    return helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", result.channels])
