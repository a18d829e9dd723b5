"""One integer layer as ONNX nodes: prologue, product, epilogue."""

from dataclasses import dataclass, replace

import numpy as np
from onnx import TensorProto

from hw.contract.errors import PointwiseError
from hw.contract.isa import Prologue, Stationary
from model.integer.layernorm import NormConstants
from model.integer.network import Layer
from model.integer.softmax import DIVIDE_FRACTION_BITS
from model.quantise.score_plan import EXP_MAX

from .norms import norm_epsilon, norm_step
from .onnx_graph import Graph

INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Tensor:
    """A value of the graph: real = step · (integer − zero).

    Attributes:
        value: name of the real values, (batch, tokens, channels) float32.
        step, zero: of the integers.
        tokens, channels: of one image.
        norm: constants of the LayerNorm that reads it.
    """

    value: str
    step: float
    zero: int
    tokens: int
    channels: int
    norm: NormConstants | None = None


def add_layer(graph: Graph, layer: Layer, tensors: dict[str, Tensor], steps: dict[str, float]) -> None:
    """Add the nodes of ``layer``, and put its output into ``tensors``.

    Args:
        tensors: those made so far, by name. steps: real value of one step of each tensor.

    Raises:
        PointwiseError: the layer has a form that ONNX cannot say with its own operators.
    """
    entered = _prologue(graph, layer, tensors)
    factor = layer.mult.astype(np.float64) * 2.0 ** -layer.shift.astype(np.float64)
    # The real value of one step of what the epilogue rounds: an index of the table has none of its own.
    step = 1.0 if layer.table is not None else steps[layer.output]
    product = _product(graph, layer, tensors, entered, factor * step)
    if layer.residual:
        made = Tensor(product, step, 0, entered.tokens, len(layer.bias), layer.norm)
    else:
        made = _rounded(graph, layer, product, step, steps[layer.output], entered.tokens)
    tensors[layer.output] = _added(graph, layer, made, tensors[layer.output]) if layer.add else made


def _prologue(graph: Graph, layer: Layer, tensors: dict[str, Tensor]) -> Tensor:
    """What enters the array, as real values; its step is that of the integers there."""
    parts = [tensors[name] for name in layer.inputs]
    whole = parts[0]
    if len(parts) > 1:
        value = graph.node("Concat", [part.value for part in parts], f"{layer.name}.input", axis=-1)
        whole = replace(whole, value=value, channels=sum(part.channels for part in parts))
    if layer.first_token or layer.count not in (0, whole.tokens):
        count = layer.count or whole.tokens - layer.first_token
        end = layer.first_token + count
        value = _tokens(graph, whole.value, layer.first_token, end, f"{layer.name}.tokens")
        whole = replace(whole, value=value, tokens=count)
    if layer.prologue == Prologue.NORMALISE:
        return _normalised(graph, layer, whole)
    if layer.prologue == Prologue.EXPONENTIAL:
        return _softmax(graph, layer, whole)
    return whole


def _normalised(graph: Graph, layer: Layer, whole: Tensor) -> Tensor:
    """LayerNormalization whose factor is the channels' power of two: γ is in the weights, as everywhere."""
    step = norm_step(whole.norm, whole.channels)
    factors = np.exp2(-layer.channel_shift.astype(np.float32))
    factor = graph.constant(f"{layer.name}.norm.factor", factors)
    epsilon = norm_epsilon(whole.norm, whole.channels, whole.step)
    value = graph.node("LayerNormalization", [whole.value, factor], f"{layer.name}.norm", epsilon=epsilon)
    integers = graph.quantise(value, f"{layer.name}.norm.int8", step, 0, np.int8)
    return replace(whole, value=graph.dequantise(integers, step, 0, np.int8), step=step, zero=0)


def _softmax(graph: Graph, layer: Layer, whole: Tensor) -> Tensor:
    """Softmax, where the table says that it is one."""
    exact = EXP_MAX * np.exp(-whole.step * np.arange(len(layer.exp_table)))
    if not layer.divide or np.abs(layer.exp_table - exact).max() > 1:
        raise PointwiseError(
            f"The table of {layer.name} is not the exponential of a softmax over its scores, which is all "
            "that the export to ONNX knows; export it as numpy."
        )
    value = graph.node("Softmax", [whole.value], f"{layer.name}.softmax", axis=-1)
    return replace(whole, value=value, step=1.0, zero=0)


def _product(
    graph: Graph, layer: Layer, tensors: dict[str, Tensor], entered: Tensor, steps: np.ndarray
) -> str:
    """Product and bias; ``steps`` (N,) are the real values of one step before requantisation."""
    name = layer.name
    # Probabilities are quotients already, and those count in parts of 2^−12.
    unit = 2.0**-DIVIDE_FRACTION_BITS if layer.divide else entered.step
    if layer.stationary == Stationary.STREAM:
        other = graph.stored(f"{name}.weight", layer.weight.T, steps / unit, axis=1)
    else:
        stationary = tensors[layer.stationary_input]
        if entered.zero or stationary.zero:
            raise PointwiseError(
                f"The attention of {name} reads a tensor with a zero point, which the export to ONNX does "
                "not know; export it as numpy."
            )
        other = stationary.value
        if layer.stationary == Stationary.KEYS:
            other = graph.node("Transpose", [other], f"{name}.keys", perm=[0, 2, 1])
    value = graph.node("MatMul", [entered.value, other], f"{name}.product")
    if layer.stationary == Stationary.STREAM:
        bias = graph.stored(f"{name}.bias", _bias(layer, entered.zero), steps, axis=0)
        return graph.node("Add", [value, bias], f"{name}.sum")
    factor = steps / (unit * stationary.step)
    scaled = graph.with_constant("Mul", value, f"{name}.factor", factor, f"{name}.scaled")
    return graph.with_constant("Add", scaled, f"{name}.bias", layer.bias * steps, f"{name}.sum")


def _bias(layer: Layer, zero: int) -> np.ndarray:
    """The bias for an input without its zero point, which the integer network has in the bias."""
    bias = layer.bias.astype(np.int64) + zero * layer.weight.astype(np.int64).sum(axis=1)
    if bias.min() < INT32.min or bias.max() > INT32.max:
        raise PointwiseError(
            f"A bias of {layer.name} does not fit 32 bits once the zero point of its input is taken out; "
            "export it as numpy."
        )
    return bias.astype(np.int32)


def _rounded(graph: Graph, layer: Layer, value: str, step: float, out_step: float, tokens: int) -> Tensor:
    """The integers of the result. A table is a Gather, whose negative index counts from the end."""
    kind = np.uint8 if layer.out_unsigned else np.int8
    if layer.table is None:
        integers = graph.quantise(value, layer.name, step, layer.zero_point, kind)
    else:
        index = graph.quantise(value, f"{layer.name}.index", step, 0, np.int8)
        wide = graph.node("Cast", [index], f"{layer.name}.index.int32", to=TensorProto.INT32)
        table = graph.constant(f"{layer.name}.table", np.asarray(layer.table).astype(kind))
        integers = graph.node("Gather", [table, wide], layer.name)
    real = graph.dequantise(integers, out_step, layer.zero_point, kind)
    return Tensor(real, out_step, layer.zero_point, tokens, len(layer.bias))


def _added(graph: Graph, layer: Layer, made: Tensor, old: Tensor) -> Tensor:
    """The sum with what was there; rows that are not changed pass by."""
    first, end = layer.output_token, layer.output_token + made.tokens
    whole = made.tokens == old.tokens
    changed = old.value if whole else _tokens(graph, old.value, first, end, f"{layer.name}.old")
    value = graph.node("Add", [changed, made.value], layer.name if whole else f"{layer.name}.changed")
    if not whole:
        parts = [value]
        if first:
            parts.insert(0, _tokens(graph, old.value, 0, first, f"{layer.name}.before"))
        if end < old.tokens:
            parts.append(_tokens(graph, old.value, end, old.tokens, f"{layer.name}.after"))
        value = graph.node("Concat", parts, layer.name, axis=1)
    return replace(made, value=value, tokens=old.tokens)


def _tokens(graph: Graph, value: str, first: int, end: int, output: str) -> str:
    bounds = [
        graph.constant(f"{output}.{name}", np.array([number], np.int64))
        for name, number in (("first", first), ("end", end), ("axis", 1))
    ]
    return graph.node("Slice", [value, *bounds], output)
