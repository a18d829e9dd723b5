"""From layers to steps: LOADs and convolutions over buffers, some tensors cut into token slices.

Every operand but K and V is row-local: a result's token depends on that token of the streamed operand
alone. A tensor that is only ever streamed may therefore be made and used slice by slice, with identical
bits: its producer and its readers become several convolutions that stream the same weights again, and only
a slice needs room at a time."""

from dataclasses import dataclass, field
from itertools import pairwise

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.stream import tiles
from pointwise.model.engine.op import Accumulate, Normalise, RowMax, TokenSums

from .analysis import Analysis, Key, Node, Tensor


@dataclass(frozen=True)
class Buffer:
    """Room for some tokens of a tensor; word w of its token t lies at base + w·tokens + t.

    Attributes:
        index: position in ``Graph.buffers``. tensor: what it holds. first_token, tokens: which tokens of it.
        words: its size in words of its memory.
        origin: buffers of one origin hold the same tokens of the same tensor, one after the other, with
            DRAM in between (see ``spilling``).
    """

    index: int
    tensor: Tensor
    first_token: int
    tokens: int
    words: int
    origin: int

    @property
    def space(self) -> Space:
        """The memory that it lives in."""
        return self.tensor.space

    @property
    def name(self) -> str:
        """The tensor's name, with the tokens where it is a slice."""
        name = self.tensor.key
        if self.tokens == self.tensor.tokens:
            return name
        return f"{name}[{self.first_token}:{self.first_token + self.tokens}]"


@dataclass(frozen=True)
class Rows:
    """Tokens ``first`` … ``first + count − 1`` of a buffer (counted from the buffer's first)."""

    buffer: int
    first: int
    count: int


@dataclass
class Step:
    """A convolution over some tokens of a layer, or the LOAD or STORE of a buffer.

    Attributes:
        index: position in ``Graph.steps``. node: the layer, None for a LOAD or STORE. node_index: its number.
        first, count: tokens of the layer's streamed range.
        streamed, stationary, output: what is read and written.
        flow: steps whose results are read (a wait, when they are close).
        after: all steps that have to come first.
        store: a STORE. spilled: a LOAD that brings back what a STORE has put into DRAM.
    """

    index: int
    node: Node | None
    node_index: int
    first: int
    count: int
    streamed: tuple[Rows, ...]
    stationary: Rows | None
    output: Rows
    flow: set[int] = field(default_factory=set)
    after: list[int] = field(default_factory=list)
    store: bool = False
    spilled: bool = False


@dataclass(frozen=True)
class Graph:
    """Everything that is to be placed and ordered.

    Attributes:
        buffers: by index. steps: in a valid order. groups: buffers that have to follow one another in memory
            because a convolution streams them side by side. output: the buffer of the network's result.
    """

    buffers: list[Buffer]
    steps: list[Step]
    groups: list[tuple[int, ...]]
    output: int


def sliceable(analysis: Analysis) -> set[Key]:
    """The tensors that may be cut into token slices: written once, only streamed, alone, end to end."""
    found = set()
    for key, tensor in analysis.tensors.items():
        readers = [analysis.nodes[index] for index in tensor.streamed_by]
        users = readers + [analysis.nodes[index] for index in tensor.writers if index >= 0]
        if (
            tensor.space == Space.ACTIVATION
            and key != analysis.output
            and readers
            and not tensor.stationary_of
            and len(tensor.writers) == 1
            and all(len(node.inputs) == 1 and node.count == tensor.tokens for node in readers)
            and all(node.count == tensor.tokens and len(node.inputs) == 1 for node in users)
            and not any(node.op.stage(RowMax) for node in readers)
        ):
            found.add(key)
    return found


def boundaries(tokens: int, slices: int) -> list[tuple[int, int]]:
    """``slices`` ranges (first, count) that cover ``tokens``, the longer ones first."""
    short, longer = divmod(tokens, slices)
    ranges, first = [], 0
    for index in range(slices):
        count = short + (index < longer)
        ranges.append((first, count))
        first += count
    return ranges


def lower(analysis: Analysis, config: CoreConfig, slices: dict[Key, int]) -> Graph:
    """Make buffers and steps; ``slices`` says into how many slices a tensor is cut (those not named: one)."""
    lowering = _Lowering(analysis, config, slices)
    for key in (analysis.input, *analysis.constants):
        for buffer in lowering.buffers_of(key):
            lowering.add(None, -1, 0, buffer.tokens, (), None, Rows(buffer.index, 0, buffer.tokens))
    for index, node in enumerate(analysis.nodes):
        lowering.node(index, node)
    output = lowering.buffers_of(analysis.output)[0].index
    return Graph(lowering.buffers, lowering.steps, lowering.groups, output)


class _Lowering:
    def __init__(self, analysis: Analysis, config: CoreConfig, slices: dict[Key, int]) -> None:
        self.analysis, self.config, self.slices = analysis, config, slices
        self.buffers: list[Buffer] = []
        self.steps: list[Step] = []
        self.groups: list[tuple[int, ...]] = []
        self.of_key: dict[Key, list[Buffer]] = {}
        # For each buffer (and under "statistics"): (rows, step) of writes since, and of reads since those.
        self.writes: dict[int | str, list[tuple[int, int, int]]] = {}
        self.reads: dict[int | str, list[tuple[int, int, int]]] = {}

    def buffers_of(self, key: Key) -> list[Buffer]:
        """The buffers of a tensor, made when it is met first."""
        if key not in self.of_key:
            tensor = self.analysis.tensors[key]
            made = []
            for first, count in boundaries(tensor.tokens, self.slices.get(key, 1)):
                words = tiles(tensor.channels, self.config.rows) * count
                index = len(self.buffers)
                made.append(Buffer(index, tensor, first, count, words, index))
                self.buffers.append(made[-1])
            self.of_key[key] = made
        return self.of_key[key]

    def node(self, index: int, node: Node) -> None:
        """Add the steps of one layer."""
        borders = {0, node.count}
        for key, offset in ((node.inputs[0], node.first), (node.output, 0)):
            borders |= {buffer.first_token - offset for buffer in self.buffers_of(key)}
        borders = sorted(border for border in borders if 0 <= border <= node.count)
        pieces = [(first, end - first) for first, end in pairwise(borders)]
        group = tuple(self.buffers_of(key)[0].index for key in node.inputs)
        if len(group) > 1 and group not in self.groups:
            self.groups.append(group)
        stationary = None
        if node.stationary is not None:
            whole = self.buffers_of(node.stationary)[0]
            stationary = Rows(whole.index, 0, whole.tokens)
        for first, count in pieces:
            streamed = tuple(self._rows(key, node.first + first, count) for key in node.inputs)
            output = self._rows(node.output, first, count)
            self.add(node, index, first, count, streamed, stationary, output)

    def _rows(self, key: Key, first: int, count: int) -> Rows:
        for buffer in self.buffers_of(key):
            if buffer.first_token <= first and first + count <= buffer.first_token + buffer.tokens:
                return Rows(buffer.index, first - buffer.first_token, count)
        raise AssertionError(f"slices of {key} do not line up with tokens {first} to {first + count - 1}")

    def add(
        self,
        node: Node | None,
        node_index: int,
        first: int,
        count: int,
        streamed: tuple[Rows, ...],
        stationary: Rows | None,
        output: Rows,
    ) -> None:
        """Append a step with what it depends on."""
        step = Step(len(self.steps), node, node_index, first, count, streamed, stationary, output)
        reads: list[tuple[int | str, int, int]] = [(r.buffer, r.first, r.count) for r in streamed]
        if stationary is not None:
            reads.append((stationary.buffer, stationary.first, stationary.count))
        writes: list[tuple[int | str, int, int]] = [(output.buffer, output.first, output.count)]
        if node is not None and node.op.stage(Accumulate):
            reads.append(writes[0])
        if node is not None and isinstance(node.op.prologue, Normalise):
            reads.append(("statistics", node.first + first, count))
        if node is not None and node.op.stage(TokenSums):
            writes.append(("statistics", first, count))
        for place, begin, length in reads:
            found = _overlapping(self.writes.get(place, []), begin, length)
            step.flow.update(found)
            step.after += found
        for place, begin, length in writes:
            step.after += _overlapping(self.reads.get(place, []), begin, length)
            step.after += _overlapping(self.writes.get(place, []), begin, length)
        for place, begin, length in reads:
            self.reads.setdefault(place, []).append((begin, length, step.index))
        for place, begin, length in writes:
            for log in (self.reads, self.writes):
                log[place] = [part for entry in log.get(place, []) for part in _outside(entry, begin, length)]
            self.writes[place].append((begin, length, step.index))
        step.after = [index for index in dict.fromkeys(step.after) if index != step.index]
        step.flow.discard(step.index)
        self.steps.append(step)


def _overlapping(entries: list[tuple[int, int, int]], begin: int, length: int) -> list[int]:
    return [step for first, count, step in entries if first < begin + length and begin < first + count]


def _outside(entry: tuple[int, int, int], begin: int, length: int) -> list[tuple[int, int, int]]:
    """What is left of an entry's rows, before and after those that are written anew."""
    first, count, step = entry
    before = min(begin, first + count) - first
    behind = max(begin + length, first)
    rest = [(first, before, step), (behind, first + count - behind, step)]
    return [part for part in rest if part[1] > 0]
