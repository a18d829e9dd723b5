"""Which tensors a network keeps, who writes and who reads them; the checks that need no memory.

An operation that adds changes a tensor in place, so that one tensor stands for several values of the graph:
the residual stream is one. A tensor is what the compiler gives a place to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pointwise.hw.contract.config import MAX_CHANNELS, MAX_TOKENS, CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Space
from pointwise.model.engine import EngineOp, fuse
from pointwise.model.engine.op import (
    Accumulate,
    AddScaled,
    Exponential,
    Keys,
    LookUp,
    Normalise,
    Plain,
    RowMax,
    TokenSums,
    Values,
    Weights,
)
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Constant

from .packing import padded_channels

Key = str
"""A tensor: the name of the first value that it holds."""


@dataclass
class Tensor:
    """Room for a value, and for those that are added to it in place.

    Attributes:
        key, tokens, channels: identity and shape. dtype: "int8", "uint8" or "int16".
        writers: indices of the operations that write it (several when they add); −1 in front where it is
            loaded.
        streamed_by, stationary_of: indices of the operations that read it as that operand.
        added_by: of those that add it to what they write elsewhere.
        scale, zero_point: of the last value in it.
        zero_rows: tokens in front that nobody loads: they are zeros, and convolutions put them in.
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
    added_by: list[int] = field(default_factory=list)
    zero_rows: int = 0

    @property
    def space(self) -> Space:
        """The memory that it lives in."""
        return Space.RESIDUAL if self.dtype == "int16" else Space.ACTIVATION


@dataclass(frozen=True)
class Node:
    """An operation with its operands resolved.

    Attributes:
        op: the operation. inputs, stationary, added, output: tensors of its operands; added is None where the
            sum is in place.
        k: channels in, padding lanes between the inputs included. macs: useful multiply-accumulates.
    """

    op: EngineOp
    inputs: tuple[Key, ...]
    stationary: Key | None
    output: Key
    k: int
    macs: int
    added: Key | None = None

    @property
    def first(self) -> int:
        """First token of the inputs that is streamed."""
        return self.op.first

    @property
    def count(self) -> int:
        """Tokens of the result."""
        return self.op.out_tokens

    @property
    def n(self) -> int:
        """Channels out."""
        return self.op.n


@dataclass(frozen=True)
class Analysis:
    """Tensors by name, operations in the order of the network, and what is loaded and stored.

    Attributes:
        input: the tensor of the network's input. constants: values of those that the image brings.
        residual: the residual stream: the first constant, or None where there is none.
        output: the tensor of the network's result.
        rows: pixels in a row, of tensors that are pictures.
    """

    tensors: dict[Key, Tensor]
    nodes: tuple[Node, ...]
    input: Key
    constants: Mapping[Key, np.ndarray]
    output: Key
    rows: Mapping[Key, int] = field(default_factory=dict)

    @property
    def residual(self) -> Key | None:
        """The constant that the residual stream begins as."""
        return next(iter(self.constants), None)

    @cached_property
    def most_slices(self) -> dict[Key, int]:
        """The most slices of each tensor: those of pictures are whole rows, also of what is made of them."""
        found = {}
        for key, tensor in self.tensors.items():
            found[key] = tensor.tokens
            if key in self.rows:
                made = (self.nodes[index].output for index in tensor.streamed_by)
                counts = (self.tensors[name].tokens // self.rows.get(name, 1) for name in (key, *made))
                found[key] = max(1, min(counts))
        return found


def _puts_zeros_in(tensor: Tensor, nodes: tuple[Node, ...]) -> bool:
    """Whether those that read a tensor can take a zero for a token that lies in front of a picture."""
    readers = [nodes[index].op for index in tensor.streamed_by]
    plain = all(
        isinstance(op.prologue, Plain) and op.window is None and len(op.streamed) == 1 for op in readers
    )
    return plain and not tensor.stationary_of and not tensor.added_by


def analyse(network: Graph, config: CoreConfig) -> Analysis:
    """Resolve the tensors of ``network``; raises PointwiseError for what no memory would make possible."""
    return _Builder(network, config).build(fuse(network))


class _Builder:
    """Walks the operations in order, with the tensor that holds each value."""

    def __init__(self, network: Graph, config: CoreConfig) -> None:
        self.network, self.config = network, config
        self.tensors: dict[Key, Tensor] = {}
        self.holder: dict[str, Tensor] = {}

    def build(self, ops: tuple[EngineOp, ...]) -> Analysis:
        """Everything of the network."""
        network = self.network
        self.last_read = _last_reads(ops)
        self._define(network.input.name, -1)
        read = {stage.value for op in ops if (stage := op.stage(Accumulate))}
        read |= {name for op in ops for name in op.streamed}
        constants = {
            op.name: np.asarray(op.values)
            for op in network.ops
            if isinstance(op, Constant) and op.name in read
        }
        for name in constants:
            self._define(name, -1)
        nodes = tuple(self._node(index, op) for index, op in enumerate(ops))
        output = self.holder[network.output]
        if output.writers[-1] < 0:
            raise PointwiseError(
                f"no operation writes {network.output}, the output of network {network.name}; name a result"
            )
        rows = _picture_rows(nodes)
        given = self.tensors[network.input.name]
        if _puts_zeros_in(given, nodes):
            given.zero_rows = network.input.zero_rows
        return Analysis(self.tensors, nodes, network.input.name, constants, output.key, rows)

    def _define(self, name: str, writer: int) -> Tensor:
        value, scale = self.network.values[name], self.network[name].quantisation
        tensor = Tensor(name, *value.shape, value.dtype, [writer], [], [], scale.step, scale.zero_point)
        self.tensors[name] = self.holder[name] = tensor
        return tensor

    def _node(self, index: int, op: EngineOp) -> Node:
        """Resolve one operation, and note it as reader and writer."""
        inputs = [self.holder[name] for name in op.streamed]
        k = padded_channels(tuple(tensor.channels for tensor in inputs), self.config) if inputs else op.k
        if k > MAX_CHANNELS or (op.n > MAX_CHANNELS and not _in_parts(op)):
            raise PointwiseError(
                f"{op.name} has K = {k} and N = {op.n} channels, one convolution takes {MAX_CHANNELS}; "
                "split the layer or use a narrower network"
            )
        if op.stage(RowMax) is not None and op.dtype != "int8":
            raise PointwiseError(
                f"{op.name} keeps row maxima of {op.dtype}, which the core does of int8 alone; let it make "
                "int8"
            )
        self._check_statistics(op)
        stationary = None
        if isinstance(op.stationary, Keys | Values):
            stationary = self.holder[op.stationary.value]
            stationary.stationary_of.append(index)
        for tensor in inputs:
            tensor.streamed_by.append(index)
        keys = tuple(tensor.key for tensor in inputs)
        output, added = self._output(index, op)
        return Node(op, keys, stationary.key if stationary else None, output.key, k, op.macs, added)

    def _check_statistics(self, op: EngineOp) -> None:
        """The core keeps maxima and statistics of so many tokens; all else is done some tokens at a time."""
        most = self.config.max_tokens
        keeps = op.stage(TokenSums) is not None or op.stage(RowMax) is not None
        if op.first + op.tokens <= most or not (keeps or isinstance(op.prologue, Normalise | Exponential)):
            return
        larger = f"build a core with max_tokens = {op.tokens} or use a smaller image"
        if op.tokens > MAX_TOKENS:
            larger = f"no core takes more than {MAX_TOKENS}, so use a smaller image"
        raise PointwiseError(
            f"tensor {op.output} has {op.tokens} tokens, the core takes max_tokens = {most}; {larger}"
        )

    def _output(self, index: int, op: EngineOp) -> tuple[Tensor, Key | None]:
        """The tensor that is written, and the one that is added to where the sum is not in place."""
        added = op.stage(Accumulate) or op.stage(AddScaled)
        if added is None:
            return self._define(op.output, index), None
        tensor = self.holder[added.value]
        if isinstance(added, AddScaled) and not self._may_replace(tensor, index, op, added):
            tensor.added_by.append(index)
            return self._define(op.output, index), tensor.key
        tensor.writers.append(index)
        tensor.scale, tensor.zero_point = op.quantisation.step, op.quantisation.zero_point
        self.holder[op.output] = tensor
        return tensor, None

    def _may_replace(self, tensor: Tensor, index: int, op: EngineOp, added: AddScaled) -> bool:
        """Whether nobody reads a value any more that a sum would take the place of. This operation may not
        either: it would write over what it has still to read."""
        if added.value in op.streamed or added.value == getattr(op.stationary, "value", None):
            return False
        done = self.last_read[added.value] <= index and added.value != self.network.output
        return done and tensor.dtype == added.dtype and tensor.writers[0] >= 0


def _in_parts(op: EngineOp) -> bool:
    """Whether several instructions can make the channels of a result: nothing but weights is in its stream,
    and nothing is kept of a token."""
    kept = op.stage(LookUp) or op.stage(RowMax) or op.stage(TokenSums)
    return isinstance(op.stationary, Weights) and kept is None


def _picture_rows(nodes: Sequence[Node]) -> dict[Key, int]:
    """Pixels in a row of each tensor that a window reads or makes, and of what goes pixel by pixel."""
    rows: dict[Key, int] = {}
    for node in nodes:
        if (window := node.op.window) is not None:
            rows[node.inputs[0]], rows[node.output] = window.size[1], window.out_size[1]
    for node in (*nodes, *reversed(nodes)):
        if node.op.window is None and len(node.inputs) == 1 and not node.first:
            for known, other in ((node.inputs[0], node.output), (node.output, node.inputs[0])):
                if known in rows:
                    rows.setdefault(other, rows[known])
    return rows


def _last_reads(ops: Sequence[EngineOp]) -> dict[str, int]:
    """The last operation that reads each value."""
    last: dict[str, int] = {}
    for index, op in enumerate(ops):
        held = (op.stationary.value,) if isinstance(op.stationary, Keys | Values) else ()
        added = tuple(stage.value for stage in op.epilogue if isinstance(stage, Accumulate | AddScaled))
        last.update(dict.fromkeys((*op.streamed, *held, *added), index))
    return last
