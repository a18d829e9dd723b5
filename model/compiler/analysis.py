"""Which tensors a network has, who writes and who reads them; the checks that need no core and no memory.

A layer that adds changes a tensor in place, any other one makes a new version of its output; a version is
what the compiler gives a place to.
"""

from dataclasses import dataclass, field

import numpy as np

from hw.contract.config import MAX_CHANNELS, CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.isa import Prologue, Space, Stationary
from model.integer.network import IntegerNetwork, Layer

from .packing import padded_channels

Key = tuple[str, int]
"""A version of a tensor: its name, and how often the name had been given a new value before."""


@dataclass
class Tensor:
    """One version of a tensor.

    Attributes:
        key, tokens, channels: identity and shape. dtype: "int8", "uint8" or "int16".
        writers: indices of the layers that write it (several when they add); loaded ones have −1 in front.
        streamed_by, stationary_of: indices of the layers that read it as that operand.
        scale, zero_point: of the last layer that wrote it.
    """

    key: Key
    tokens: int
    channels: int
    dtype: str
    writers: list[int]
    streamed_by: list[int] = field(default_factory=list)
    stationary_of: list[int] = field(default_factory=list)
    scale: float = 1.0
    zero_point: int = 0

    @property
    def space(self) -> Space:
        """The memory that it lives in."""
        return Space.RESIDUAL if self.dtype == "int16" else Space.ACTIVATION


@dataclass(frozen=True)
class Node:
    """A layer with its operands resolved.

    Attributes:
        layer: the layer. inputs, stationary, output: versions of its operands.
        first, count: tokens of the inputs that are streamed. k, n: channels in and out, padding lanes between
            the inputs included. macs: useful multiply-accumulates.
    """

    layer: Layer
    inputs: tuple[Key, ...]
    stationary: Key | None
    output: Key
    first: int
    count: int
    k: int
    n: int
    macs: int


@dataclass(frozen=True)
class Analysis:
    """Tensors by version, nodes in the order of the network, and the version that is the network's result."""

    tensors: dict[Key, Tensor]
    nodes: tuple[Node, ...]
    input: Key
    residual: Key
    output: Key


def analyse(network: IntegerNetwork, config: CoreConfig) -> Analysis:
    """Resolve the tensors of ``network``; raises PointwiseError for what no memory would make possible."""
    builder = _Builder(network, config)
    nodes = tuple(builder.node(index, layer) for index, layer in enumerate(network.layers))
    output = builder.current.get(network.output)
    if output is None or not builder.tensors[output].writers[-1] >= 0:
        raise PointwiseError(
            f"no layer writes {network.output}, the output of network {network.name}; name a layer's output"
        )
    return Analysis(builder.tensors, nodes, (network.input_name, 0), (network.residual_name, 0), output)


class _Builder:
    """Walks the layers in order, with the current version of every tensor name."""

    def __init__(self, network: IntegerNetwork, config: CoreConfig) -> None:
        self.config = config
        self.tensors: dict[Key, Tensor] = {}
        self.current: dict[str, Key] = {}
        self.stats: dict[str, np.ndarray] = {}
        self.stats_owner = np.full(config.max_tokens, -1)
        self.names: set[str] = set()
        self.keeps_maxima = [layer.row_max and not layer.residual for layer in network.layers]
        self._define(network.input_name, network.tokens, network.input_channels, "int8", -1)
        init = np.asarray(network.residual_init)
        self._define(network.residual_name, init.shape[0], init.shape[1], "int16", -1)

    def _define(self, name: str, tokens: int, channels: int, dtype: str, writer: int) -> Key:
        if tokens > self.config.max_tokens:
            raise PointwiseError(
                f"tensor {name} has {tokens} tokens, the core takes max_tokens = {self.config.max_tokens}; "
                f"build a core with max_tokens = {tokens} or use a smaller image"
            )
        old = self.current.get(name)
        key = (name, old[1] + 1 if old else 0)
        self.tensors[key] = Tensor(key, tokens, channels, dtype, [writer])
        self.current[name] = key
        return key

    def node(self, index: int, layer: Layer) -> Node:
        """Resolve one layer, and note it as reader and writer."""
        if layer.name in self.names:
            raise PointwiseError(f"two layers are called {layer.name}; give each layer a name of its own")
        self.names.add(layer.name)
        inputs = tuple(self._tensor(layer, name) for name in layer.inputs)
        if not inputs or any(tensor.tokens != inputs[0].tokens for tensor in inputs):
            raise PointwiseError(
                f"layer {layer.name} needs inputs of one number of tokens, it has {layer.inputs}"
            )
        count = layer.count or inputs[0].tokens - layer.first_token
        if layer.first_token < 0 or count < 1 or layer.first_token + count > inputs[0].tokens:
            raise PointwiseError(
                f"layer {layer.name} streams tokens {layer.first_token} to {layer.first_token + count - 1}, "
                f"but {layer.inputs[0]} has {inputs[0].tokens}"
            )
        self._check_prologue(layer, inputs, count)
        useful = sum(tensor.channels for tensor in inputs)
        n, stationary = self._stationary(layer, useful)
        k = padded_channels(tuple(tensor.channels for tensor in inputs), self.config)
        if max(k, n) > MAX_CHANNELS:
            raise PointwiseError(
                f"layer {layer.name} has K = {k} and N = {n} channels, one convolution takes {MAX_CHANNELS}; "
                "split the layer or use a narrower network"
            )
        output = self._output(index, layer, count, n)
        for tensor in inputs:
            tensor.streamed_by.append(index)
        if stationary is not None:
            stationary.stationary_of.append(index)
        keys = tuple(tensor.key for tensor in inputs)
        macs = count * useful * n
        return Node(
            layer, keys, stationary.key if stationary else None, output, layer.first_token, count, k, n, macs
        )

    def _tensor(self, layer: Layer, name: str) -> Tensor:
        if name not in self.current:
            raise PointwiseError(f"layer {layer.name} reads {name}, which no layer before it writes")
        return self.tensors[self.current[name]]

    def _check_prologue(self, layer: Layer, inputs: tuple[Tensor, ...], count: int) -> None:
        if layer.prologue != Prologue.PLAIN and len(inputs) > 1:
            raise PointwiseError(
                f"layer {layer.name} has {len(inputs)} inputs; only a plain prologue takes more than one"
            )
        source = inputs[0]
        wanted = {Prologue.NORMALISE: "int16", Prologue.EXPONENTIAL: "int8"}.get(
            layer.prologue, "uint8" if layer.in_unsigned else "int8"
        )
        for tensor in inputs:
            if tensor.dtype != wanted:
                raise PointwiseError(
                    f"layer {layer.name} expects {wanted} in {tensor.key[0]}, which holds {tensor.dtype}"
                )
        if layer.prologue == Prologue.NORMALISE:
            owner = self.stats_owner[layer.first_token : layer.first_token + count]
            made_by = self.stats.get(source.key[0], -1)
            if made_by < 0 or np.any(owner != made_by):
                raise PointwiseError(
                    f"layer {layer.name} normalises {source.key[0]}, but the statistics at hand are "
                    "not of its last layer with norm constants"
                )
        if layer.prologue == Prologue.EXPONENTIAL:
            writer = source.writers[-1]
            if writer < 0 or not self.keeps_maxima[writer] or count != source.tokens:
                raise PointwiseError(
                    f"layer {layer.name} takes exponentials of {source.key[0]}, whose layer keeps no "
                    "row maxima of these tokens"
                )

    def _stationary(self, layer: Layer, channels: int) -> tuple[int, Tensor | None]:
        n = len(layer.bias)
        if layer.stationary == Stationary.STREAM:
            shape, tensor = np.shape(layer.weight), None
        else:
            tensor = self._tensor(layer, layer.stationary_input)
            shape = (tensor.tokens, tensor.channels)
            if layer.stationary == Stationary.VALUES:
                shape = shape[::-1]
            if tensor.dtype != "int8":
                raise PointwiseError(
                    f"layer {layer.name} needs int8 as stationary operand, "
                    f"{tensor.key[0]} holds {tensor.dtype}"
                )
        if shape != (n, channels):
            raise PointwiseError(
                f"layer {layer.name} has {n} biases and {channels} input channels, "
                f"but a stationary operand of shape {shape}"
            )
        return n, tensor

    def _output(self, index: int, layer: Layer, count: int, n: int) -> Key:
        if layer.residual and (layer.table is not None or layer.out_unsigned):
            raise PointwiseError(
                f"layer {layer.name} writes the residual stream, where no table and no uint8 is possible"
            )
        if (layer.norm or layer.add) and not layer.residual:
            raise PointwiseError(f"layer {layer.name} adds or keeps sums, which needs residual = True")
        if layer.divide and layer.prologue != Prologue.EXPONENTIAL:
            raise PointwiseError(
                f"layer {layer.name} divides by a sum of exponentials, but its prologue makes none"
            )
        keeps, needs = layer.norm or layer.row_max, layer.prologue != Prologue.PLAIN
        if keeps and needs and layer.first_token != layer.output_token:
            raise PointwiseError(
                f"layer {layer.name} reads LayerNorm statistics or row maxima from token {layer.first_token} "
                f"and writes such from {layer.output_token}; one instruction has one first token"
            )
        if layer.add:
            tensor = self._tensor(layer, layer.output)
            rows = layer.output_token + count
            if tensor.dtype != "int16" or tensor.channels != n or rows > tensor.tokens:
                raise PointwiseError(
                    f"layer {layer.name} adds ({count}, {n}) from token {layer.output_token} "
                    f"to {layer.output}, which is {tensor.dtype} ({tensor.tokens}, {tensor.channels})"
                )
            tensor.writers.append(index)
            key = tensor.key
        else:
            dtype = "int16" if layer.residual else "uint8" if layer.out_unsigned else "int8"
            key = self._define(layer.output, count, n, dtype, index)
        self.tensors[key].scale, self.tensors[key].zero_point = layer.scale, layer.zero_point
        if layer.norm is not None:
            self.stats[layer.output] = index
            self.stats_owner[layer.output_token : layer.output_token + count] = index
        return key
