"""From layers to steps: LOADs and convolutions over buffers, some tensors cut into token slices.

Every operand but K and V is row-local: a result's token depends on that token of the streamed operand
alone. A tensor that is only ever streamed may therefore be made and used slice by slice, with identical
bits: its producer and its readers become several convolutions that stream the same weights again, and only
a slice needs room at a time."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import gcd
from typing import Any

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.legal import UNIT
from pointwise.hw.contract.stream import tiles
from pointwise.hw.contract.walks import group_words
from pointwise.model.engine.op import (
    Accumulate,
    AddScaled,
    Diagonal,
    Normalise,
    RowMax,
    TokenSums,
    Values,
)

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
    def zero_rows(self) -> int:
        """Tokens in front that are not loaded, as they are zeros; a buffer of nothing else is loaded."""
        zeros = max(0, self.tensor.zero_rows - self.first_token)
        return zeros if zeros < self.tokens else 0

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
        streamed, stationary, added, output: what is read and written.
        flow: steps whose results are read (a wait, when they are close).
        after: all steps that have to come first.
        store: a STORE. spilled: a LOAD that brings back what a STORE has put into DRAM.
        version: of a tensor that waits in DRAM as a whole: which of its values, counted from 0, a LOAD or
            STORE moves rows of.
    """

    index: int
    node: Node | Any
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
    added: Rows | None = None
    version: int | None = None

    @cached_property
    def touched(self) -> frozenset[int]:
        """Buffers that it reads or writes."""
        others = {rows.buffer for rows in (self.stationary, self.added) if rows is not None}
        return frozenset({rows.buffer for rows in self.streamed} | {self.output.buffer} | others)

    @cached_property
    def apart(self) -> "Pairs":
        """Pairs of buffers that it reads at once: what is streamed, with what is loaded or added to."""
        adds = self.node is not None and self.node.op.stage(AddScaled)
        added = (self.added or self.output) if adds else None
        others = [rows.buffer for rows in (self.stationary, added) if rows is not None]
        return [(rows.buffer, other) for other in others for rows in self.streamed]


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

    @property
    def apart(self) -> "Pairs":
        """Pairs of buffers that a step reads at once."""
        return (pair for step in self.steps for pair in step.apart)


Pairs = Iterable[tuple[int, int]]
"""Of buffers."""


def sliceable(analysis: Analysis) -> set[Key]:
    """The tensors that may be cut into token slices: written once, only streamed, alone, end to end."""
    found = set()
    for key, tensor in analysis.tensors.items():
        readers = [analysis.nodes[index] for index in tensor.streamed_by]
        users = readers + [analysis.nodes[index] for index in tensor.writers if index >= 0]
        windowed = any(node.op.window for node in readers)
        if (
            tensor.space == Space.ACTIVATION
            and (len(readers) == 1 or not windowed)
            and not tensor.added_by
            and not any(node.added for node in users)
            and key != analysis.output
            and readers
            and not tensor.stationary_of
            and len(tensor.writers) == 1
            and all(len(node.inputs) == 1 for node in users)
            and all(_whole(node, tensor.tokens) for node in readers)
            and all(node.count == tensor.tokens for node in users if node not in readers)
            and not any(node.op.stage(RowMax) for node in readers)
        ):
            found.add(key)
    return found


def _whole(node: Node, tokens: int) -> bool:
    """Whether an operation reads all of so many tokens."""
    return node.op.tokens == tokens


def row_unit(width: int, config: CoreConfig) -> int:
    """Rows of a picture that begin at a byte that DRAM is addressed by, all multiples of them."""
    return UNIT // gcd(UNIT, width * config.act_word_bytes)


def boundaries(tokens: int, slices: int) -> list[tuple[int, int]]:
    """``slices`` ranges (first, count) that cover ``tokens``, the longer ones first."""
    short, longer = divmod(tokens, slices)
    ranges, first = [], 0
    for index in range(slices):
        count = short + (index < longer)
        ranges.append((first, count))
        first += count
    return ranges


def lower(
    analysis: Analysis, config: CoreConfig, slices: dict[Key, int], offloaded: Set[Key] = frozenset()
) -> Graph:
    """Make buffers and steps.

    Args:
        slices: into how many slices a tensor is cut; those not named: one.
        offloaded: pictures that wait in DRAM, of which slices of rows are on chip at a time (``offload``).
    """
    lowering = _Lowering(analysis, config, slices, offloaded)
    for key in (analysis.input, *analysis.constants):
        for buffer in lowering.buffers_of(key):
            lowering.add(None, -1, 0, buffer.tokens, (), None, Rows(buffer.index, 0, buffer.tokens))
    for index, node in enumerate(analysis.nodes):
        lowering.node(index, node)
    output = lowering.buffers_of(analysis.output)[0].index
    return Graph(lowering.buffers, lowering.steps, lowering.groups, output)


class _Lowering:
    def __init__(
        self, analysis: Analysis, config: CoreConfig, slices: dict[Key, int], offloaded: Set[Key]
    ) -> None:
        self.analysis, self.config, self.slices, self.offloaded = analysis, config, slices, offloaded
        self.buffers: list[Buffer] = []
        self.steps: list[Step] = []
        self.groups: list[tuple[int, ...]] = []
        self.of_key: dict[Key, list[Buffer]] = {}
        # For each buffer (and under "statistics"): (rows, step) of writes since, and of reads since those.
        self.writes: dict[int | str, list[tuple[int, int, int]]] = {}
        self._ranges: dict[Key, list[tuple[int, int]]] = {}
        # Of each tensor that waits in DRAM: the number of its last value.
        self.versions: dict[Key, int] = {}
        stages = [{type(stage) for stage in node.op.epilogue} for node in analysis.nodes]
        self.adding = {index for index, kinds in enumerate(stages) if kinds & {Accumulate, AddScaled}}
        self.summing = {index for index, kinds in enumerate(stages) if TokenSums in kinds}
        self.reads: dict[int | str, list[tuple[int, int, int]]] = {}

    def buffers_of(self, key: Key) -> list[Buffer]:
        """The buffers of a tensor, made when it is met first."""
        if key not in self.of_key:
            tensor = self.analysis.tensors[key]
            made = []
            for first, count in self.ranges(key):
                made.append(self._buffer(tensor, first, count))
            self.of_key[key] = made
        return self.of_key[key]

    def _buffer(self, tensor: Tensor, first: int, count: int) -> Buffer:
        index = len(self.buffers)
        self.buffers.append(Buffer(index, tensor, first, count, self._words(tensor) * count, index))
        return self.buffers[-1]

    def _words(self, tensor: Tensor) -> int:
        """Words of a token, and of one that is streamed channel by channel as many as an N-tile reads."""
        words = tiles(tensor.channels, self.config.rows)
        nodes = (self.analysis.nodes[index] for index in tensor.streamed_by)
        if any(isinstance(node.op.stationary, Diagonal) for node in nodes):
            each = group_words(self.config)
            return tiles(words, each) * each
        return words

    def ranges(self, key: Key) -> list[tuple[int, int]]:
        """Tokens (first, count) of each slice of a tensor.

        Where a window reads it, a slice is what a slice of the result needs, so that slices overlap: what two
        of them hold is made twice.
        """
        if key not in self._ranges:
            self._ranges[key] = self._cut(key)
        return self._ranges[key]

    def _cut(self, key: Key) -> list[tuple[int, int]]:
        tensor, parts = self.analysis.tensors[key], self.slices.get(key, 1)
        if parts == 1:
            return [(0, tensor.tokens)]
        readers = [self.analysis.nodes[index] for index in tensor.streamed_by]
        reader = readers[0]
        window, others = reader.op.window, self.slices.get(reader.output, 1)
        apart = window is None and others not in (1, parts) and not self._offloads(reader)
        if len(readers) > 1 or apart:
            return boundaries(tensor.tokens, parts)
        made = self.parts(reader, parts)
        if window is None:
            return [(first + reader.first, count) for first, count in made]
        width, wide = window.size[1], window.out_size[1]
        rows = (window.rows(first // wide, count // wide) for first, count in made)
        return [(first * width, count * width) for first, count in rows]

    def parts(self, node: Node, parts: int) -> list[tuple[int, int]]:
        """Tokens of a result that are made from a slice each: the slices that it has itself, or as many."""
        if self._offloads(node):
            return self._rows_at_once(node)
        if self.slices.get(node.output, 1) > 1:
            return self.ranges(node.output)
        row = self.analysis.rows.get(node.output, 1)
        return [(first * row, count * row) for first, count in boundaries(node.count // row, parts)]

    def node(self, index: int, node: Node) -> None:
        """Add the steps of one layer."""
        if self._offloads(node):
            self._through_dram(index, node)
            return
        for first, count, part in self._pieces(node):
            streamed = tuple(self._needed(node, key, first, count, part) for key in node.inputs)
            stationary = None
            if node.stationary is not None:
                whole = self.buffers_of(node.stationary)[0]
                skipped = node.op.stationary.first if isinstance(node.op.stationary, Values) else 0
                stationary = Rows(whole.index, skipped, whole.tokens - skipped)
            output = self._rows(node.output, first, count, part)
            added = self._rows(node.added, first, count) if node.added else None
            self.add(node, index, first, count, streamed, stationary, output, added)
        group = tuple(self.buffers_of(key)[0].index for key in node.inputs)
        if len(group) > 1 and group not in self.groups:
            self.groups.append(group)

    def _pieces(self, node: Node) -> list[tuple[int, int, int | None]]:
        """Tokens of the result (first, count) that are made at once, and from which slice."""
        source = node.inputs[0] if node.inputs else None
        counts = [self.slices.get(key, 1) for key in (source or node.output, node.output)]
        if max(counts) > 1 and (node.op.window or self._overlap(source) or self._overlap(node.output)):
            made = counts[1] if counts[1] > 1 else counts[0]
            slices = [(*part, index) for index, part in enumerate(self.parts(node, made))]
            apart = counts[0] != counts[1] or not self._overlap(source)
            if node.op.window is None and counts[0] > 1 and apart:
                slices = [piece for part in slices for piece in self._cut_again(node, part)]
        else:
            borders = {0, node.count}
            for key, offset in ((source, node.first), (node.output, 0)):
                if key is not None and not (key == source and node.op.window):
                    borders |= {buffer.first_token - offset for buffer in self.buffers_of(key)}
            inside = sorted(border for border in borders if 0 <= border <= node.count)
            slices = [(first, end - first, None) for first, end in pairwise(inside)]
        return [(*piece, part) for *tokens, part in slices for piece in self._at_once(node, *tokens)]

    def _at_once(self, node: Node, first: int, count: int) -> Iterator[tuple[int, int]]:
        """Tokens of a result in parts that the core takes at once, behind a window whole rows."""
        most = self.config.max_tokens
        row = node.op.window.out_size[1] if node.op.window else 1
        if row > most:
            raise PointwiseError(
                f"{node.op.name} has rows of {row} pixels, the core takes max_tokens = {most}; build a core "
                f"with max_tokens = {row} or use a smaller image"
            )
        at_once = most // row * row
        for begin in range(0, count, at_once):
            yield first + begin, min(at_once, count - begin)

    def _cut_again(self, node: Node, part: tuple[int, int, int]) -> Iterator[tuple[int, int, int]]:
        """A slice of the result where what it is made of is cut at other tokens, which do not overlap."""
        first, count, index = part
        inside = (buffer.first_token - node.first for buffer in self.buffers_of(node.inputs[0]))
        borders = sorted({first, first + count, *(at for at in inside if first < at < first + count)})
        for begin, end in pairwise(borders):
            yield begin, end - begin, index

    def _overlap(self, key: Key | None) -> bool:
        """Whether slices of a tensor do not follow end to end: they have tokens in common, or leave out what
        a window steps over."""
        found = self.ranges(key) if key else []
        return any(first + count != after for (first, count), (after, _) in pairwise(found))

    def _needed(
        self, node: Node, key: Key, first: int, count: int, part: int | None, brought: Buffer | None = None
    ) -> Rows:
        """What of a tensor is read for some tokens of the result."""
        window = node.op.window
        if window is None:
            return self._rows(key, node.first + first, count, part, brought)
        width, wide = window.size[1], window.out_size[1]
        top, rows = window.rows(first // wide, count // wide)
        return self._rows(key, top * width, rows * width, part, brought)

    def _rows(
        self, key: Key, first: int, count: int, part: int | None = None, brought: Buffer | None = None
    ) -> Rows:
        """Tokens of a tensor, in the buffer that was brought or else in one of those that it has on chip."""
        buffers = self.buffers_of(key) if brought is None else [brought]
        if part is not None and part < len(buffers):  # where slices overlap, the one of the same number
            buffers = [buffers[part], *buffers]
        for buffer in buffers:
            if buffer.first_token <= first and first + count <= buffer.first_token + buffer.tokens:
                return Rows(buffer.index, first - buffer.first_token, count)
        raise AssertionError(f"slices of {key} do not line up with tokens {first} to {first + count - 1}")

    def _offloads(self, node: Node) -> bool:
        """Whether a picture that waits in DRAM is read, added to or made."""
        return not self.offloaded.isdisjoint((*node.inputs, node.output, node.added))

    def _rows_at_once(self, node: Node) -> list[tuple[int, int]]:
        """Tokens of a result that are made from what is brought at once: whole rows."""
        row = self.analysis.rows.get(node.output, 1)
        unit = row_unit(row, self.config) if node.output in self.offloaded else 1
        rows = node.count // row
        wanted = max(self.slices.get(key, 1) for key in (*node.inputs, node.output, node.added) if key)
        wanted = max(wanted, tiles(rows, max(1, self.config.max_tokens // row)))
        units = tiles(rows, unit)
        found = ((first * unit, count * unit) for first, count in boundaries(units, min(wanted, units)))
        return [(first * row, min(count, rows - first) * row) for first, count in found]

    def _through_dram(self, index: int, node: Node) -> None:
        """Steps of a layer between pictures that wait in DRAM: rows are brought, made, and stored."""
        for part, (first, count) in enumerate(self._rows_at_once(node)):
            source = self._brought_for(index, node, first, count)
            waits = node.added in self.offloaded
            added = self._brought(index, node.added, first, count) if node.added and waits else None
            if node.output not in self.offloaded:
                made = None
            elif index in self.adding and node.added is None:
                made = self._brought(index, node.output, first, count)
            else:
                made = self._buffer(self.analysis.tensors[node.output], first, count)
            for begin, tokens in self._at_once(node, first, count):
                streamed = self._needed(node, node.inputs[0], begin, tokens, part, source)
                output = self._rows(node.output, begin, tokens, None, made)
                adds = self._rows(node.added, begin, tokens, None, added) if node.added else None
                self.add(node, index, begin, tokens, (streamed,), None, output, adds)
            if made is not None:
                self._move(index, made, self.versions.get(node.output, -1) + 1, store=True)
        if node.output in self.offloaded:
            self.versions[node.output] = self.versions.get(node.output, -1) + 1

    def _brought_for(self, index: int, node: Node, first: int, count: int) -> Buffer | None:
        """The rows of what is streamed that some tokens of the result need; None where it is on chip."""
        key = node.inputs[0]
        if key not in self.offloaded:
            return None
        window, width = node.op.window, self.analysis.rows[key]
        if window is None:
            return self._brought(index, key, first, count)
        top, rows = window.rows(first // window.out_size[1], count // window.out_size[1])
        return self._brought(index, key, top * width, rows * width)

    def _brought(self, index: int, key: Key, first: int, count: int) -> Buffer:
        """A buffer with these tokens at least, loaded from where the tensor waits."""
        tensor, width = self.analysis.tensors[key], self.analysis.rows[key]
        unit = row_unit(width, self.config) * width
        begin = first // unit * unit
        end = min(tensor.tokens, tiles(first + count, unit) * unit)
        buffer = self._buffer(tensor, begin, end - begin)
        self._move(index, buffer, self.versions[key], store=False)
        return buffer

    def _move(self, index: int, buffer: Buffer, version: int, store: bool) -> None:
        """A LOAD or STORE of a buffer, for the layer of this number."""
        rows = Rows(buffer.index, 0, buffer.tokens)
        self.add(None, index, 0, buffer.tokens, (), None, rows, store=store, version=version)

    def add(
        self,
        node: Node | None,
        node_index: int,
        first: int,
        count: int,
        streamed: tuple[Rows, ...],
        stationary: Rows | None,
        output: Rows,
        added: Rows | None = None,
        store: bool = False,
        version: int | None = None,
    ) -> None:
        """Append a step with what it depends on."""
        index = len(self.steps)
        spilled = version is not None and not store
        operands = (streamed, stationary, output)
        step = Step(index, node, node_index, first, count, *operands, store=store, spilled=spilled)
        step.added, step.version = added, version
        reads: list[tuple[int | str, int, int]] = [(r.buffer, r.first, r.count) for r in streamed]
        if stationary is not None:
            reads.append((stationary.buffer, stationary.first, stationary.count))
        writes: list[tuple[int | str, int, int]] = [(output.buffer, output.first, output.count)]
        if added is not None:
            reads.append((added.buffer, added.first, added.count))
        elif node is not None and node_index in self.adding:
            reads.append(writes[0])
        if version is not None:
            buffer = self.buffers[output.buffer]
            outside = (f"{buffer.tensor.key} {version}", buffer.first_token, buffer.tokens)
            if store:
                reads, writes = writes, [outside]
            else:
                reads.append(outside)
        if node is not None and isinstance(node.op.prologue, Normalise):
            reads.append(("statistics", node.first + first, count))
        if node is not None and node_index in self.summing:
            writes.append(("statistics", first, count))
        for place, begin, length in reads:
            found = _overlapping(self.writes.get(place, ()), begin, length)
            step.flow.update(found)
            step.after += found
        for place, begin, length in reads:
            self.reads.setdefault(place, []).append((begin, length, step.index))
        for place, begin, length in writes:
            for log in (self.reads, self.writes):
                found = _overlapping(log.get(place, ()), begin, length)
                step.after += found
                if found:
                    log[place] = [part for entry in log[place] for part in _outside(entry, begin, length)]
            self.writes.setdefault(place, []).append((begin, length, step.index))
        step.after = [index for index in dict.fromkeys(step.after) if index != step.index]
        step.flow.discard(step.index)
        self.steps.append(step)


def _overlapping(entries: Iterable[tuple[int, int, int]], begin: int, length: int) -> list[int]:
    return [step for first, count, step in entries if first < begin + length and begin < first + count]


def _outside(entry: tuple[int, int, int], begin: int, length: int) -> list[tuple[int, int, int]]:
    """What is left of an entry's rows, before and after those that are written anew."""
    first, count, step = entry
    before = min(begin, first + count) - first
    behind = max(begin + length, first)
    rest = [(first, before, step), (behind, first + count - behind, step)]
    return [part for part in rest if part[1] > 0]
