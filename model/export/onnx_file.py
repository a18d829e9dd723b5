"""``.onnx``: the network between QuantizeLinear and DequantizeLinear, for onnxruntime and tools like it.

Weights are int8 with a step for each output channel, biases int32 in steps of the accumulator. Activations
are int8 or uint8 with the steps and zero points of the integer network; where its channels differ (queries,
keys, values, context), with their mean, and the weights around it carry the rest. Between the two are the
standard operators in float32: MatMul, LayerNormalization, Softmax. An activation function is the core's own
table (Gather). The residual stream, 16 bits wide in the core, is left in float32.

It is a float network with our rounding to 8 bits, not the integer model bit for bit: ONNX has no operators
for the integer LayerNorm, softmax and requantisation of the core. On the digits its logits differ from the
integer model's by as much as those differ from the float network's, 40 dB. (onnxruntime on an x86 processor
without VNNI sums products of int8 in 16 bits, which may saturate, and 28 dB are left; its session option
``session.x64quantprecision`` = 1 forbids that.)

Input: ``image``, (batch, colours, S, S) float32, normalised as the float network takes it; or, of a network
that is not made for images, the int8 tensor (batch, tokens, channels) that the integer network takes.
Output: ``logits``, (batch, classes) float32.
"""

from importlib.metadata import version

import numpy as np
from onnx import TensorProto, checker, helper

from model.integer.network import IntegerNetwork

from .onnx_graph import Graph
from .onnx_layers import Tensor, add_layer

OPSET = 17
"""The first with LayerNormalization. Higher ones would let fewer tools read the file."""
IR_VERSION = 8
"""The one that belongs to that opset."""


def encode(network: IntegerNetwork) -> bytes:
    """The file.

    Raises:
        PointwiseError: a layer has a form that ONNX cannot say with its own operators.
    """
    graph = Graph()
    steps = _steps(network)
    tensors: dict[str, Tensor] = {}
    residual = steps[network.residual_name]
    tokens, channels = network.residual_init.shape
    init = graph.constant(network.residual_name, (network.residual_init * residual).astype(np.float32)[None])
    tensors[network.residual_name] = Tensor(init, residual, 0, tokens, channels)
    source, value = _input(graph, network)
    tensors[network.input_name] = Tensor(
        value, network.input_scale, 0, network.tokens, network.input_channels
    )
    for layer in network.layers:
        add_layer(graph, layer, tensors, steps)
    result = tensors[network.output]
    axis = graph.constant("logits.axis", np.array([1], np.int64))
    graph.node("Squeeze", [result.value, axis], "logits")
    sink = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", result.channels])
    model = helper.make_model(
        helper.make_graph(graph.nodes, network.name, [source], [sink], list(graph.constants.values())),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pointwise",
        producer_version=version("pointwise"),
    )
    checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _steps(network: IntegerNetwork) -> dict[str, float]:
    """Real value of one step of each tensor; tensors that a layer reads side by side share theirs."""
    steps = {network.input_name: network.input_scale}
    for layer in network.layers:
        steps.setdefault(layer.output, layer.scale)
    shared = {name: {name} for name in steps}
    for layer in network.layers:
        group = set().union(*(shared[name] for name in layer.inputs))
        for name in group:
            shared[name] = group
    return {name: float(np.mean([steps[other] for other in sorted(group)])) for name, group in shared.items()}


def _input(graph: Graph, network: IntegerNetwork) -> tuple[object, str]:
    """The graph's input, and the name of the real values of the integer network's input."""
    name = network.input_name
    geometry = network.info.get("input")
    if geometry is None:
        shape = ["batch", network.tokens, network.input_channels]
        value = graph.dequantise(name, network.input_scale, 0, np.int8)
        return helper.make_tensor_value_info(name, TensorProto.INT8, shape), value
    patch, size, colours = geometry["patch"], geometry["image_size"], geometry["in_channels"]
    grid = size // patch
    per_colour = np.array([geometry["offset"], geometry["scale"]]).reshape(2, colours, 1, 1)
    value = graph.with_constant("Sub", name, f"{name}.offset", per_colour[0], f"{name}.centred")
    factor = network.input_scale / per_colour[1]
    value = graph.with_constant("Mul", value, f"{name}.factor", factor, f"{name}.scaled")
    # A patch's channels are its colours, each row by row; 0 keeps the batch.
    for step, shape in (("cells", [0, colours, grid, patch, grid, patch]), ("patches", [0, grid * grid, -1])):
        bounds = graph.constant(f"{name}.{step}.shape", np.array(shape, np.int64))
        value = graph.node("Reshape", [value, bounds], f"{name}.{step}")
        if step == "cells":
            value = graph.node("Transpose", [value], f"{name}.rows", perm=[0, 2, 4, 1, 3, 5])
    # Class tokens are rows of zeros in front.
    before = np.array([0, network.tokens - grid * grid, 0, 0, 0, 0], np.int64)
    value = graph.node("Pad", [value, graph.constant(f"{name}.pads", before)], f"{name}.tokens")
    integers = graph.quantise(value, f"{name}.int8", network.input_scale, 0, np.int8)
    source = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", colours, size, size])
    return source, graph.dequantise(integers, network.input_scale, 0, np.int8)
