"""From a plan to instructions: addresses, streams, slots and waits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import (
    Base,
    Conv,
    Dma,
    End,
    Instruction,
    Prologue,
    Space,
    StationarySource,
)
from pointwise.hw.contract.stream import stream_bytes, stream_rows, tiles
from pointwise.hw.contract.walks import ADDRESS_BITS, PLACE_BITS, group_words
from pointwise.model.engine.op import (
    Diagonal,
    Plain,
    RowMax,
    TokenSums,
)

from .convs import instructions, part_channels, unplaced, word_by_word
from .hazards import HazardTracker, Region, Waits
from .layout import DramBlock
from .lowering import Buffer, Rows, Step
from .planning import Plan
from .schedule import MAXIMA_SLOTS, SUM_SLOTS, assign_slots

MOST_LEAD = 255
"""Of field ``lead_words``."""
_RESOURCES = {Space.ACTIVATION: "activation", Space.RESIDUAL: "residual"}


@dataclass(frozen=True)
class Line:
    """One instruction of the program with what it is for.

    Attributes:
        instruction: ready to be encoded. name: the layer's name, or "load x" and "store x".
        step: index in ``Graph.steps``, −1 for the STORE of a result and END. block: DRAM block of a LOAD or
            STORE.
        rows: what is moved or written on chip, None for END. macs: useful multiply-accumulates.
    """

    instruction: Instruction
    name: str
    step: int = -1
    block: DramBlock | Any = None
    rows: Rows | Any = None
    macs: int = 0


class Emitter:
    """Turns steps into instructions in program order.

    Args:
        plan: order and places. streams: byte offset in the image of each operation's stream.
    """

    def __init__(self, plan: Plan, config: CoreConfig, streams: Sequence[int]) -> None:
        self.plan, self.config, self.streams = plan, config, streams
        self.lines: list[Line] = []
        self._dmas: list[Line] = []
        self._convs: list[Conv] = []
        self._made: dict[int, np.ndarray] = {}  # tokens of each layer's result that are made
        self._maxima, self._sums = assign_slots(plan.graph, plan.order)
        self._tracker = HazardTracker(
            {
                "activation": plan.used[Space.ACTIVATION],
                "residual": plan.used[Space.RESIDUAL],
                "statistics": config.max_tokens,
                "maxima": MAXIMA_SLOTS,
                "sums": SUM_SLOTS,
            }
        )

    def move(self, step: Step, base: Base, block: DramBlock) -> None:
        """LOAD a whole buffer from ``block``, or STORE it there."""
        region = [self._region(step.output)]
        waits = self._tracker.dma(reads=region) if step.store else self._tracker.dma(writes=region)
        name = f"{'spill' if step.store else 'load'} {self._name(step.output)}"
        self._dma(step.store, base, block, step.output, waits, name, step.index)

    def store(self, rows: Rows, block: DramBlock) -> None:
        """STORE tokens of a buffer to ``block`` of the output."""
        waits = self._tracker.dma(reads=[self._region(rows)])
        self._dma(True, Base.OUTPUT, block, rows, waits, f"store {self._name(rows)}", -1)

    def conv(self, step: Step) -> None:
        """A convolution, in one instruction or several."""
        for word in range(instructions(step.node, self.config)):
            self._conv(step, word)

    def _conv(self, step: Step, word: int) -> None:
        """One instruction; ``word`` is that of the channels where each has one of its own, or the number of
        the part where there are more channels than an instruction can say."""
        node, op = step.node, step.node.op
        plain = isinstance(op.prologue, Plain)  # reads nothing of a token but its words
        counted = not plain or op.stage(RowMax) is not None or op.stage(TokenSums) is not None
        buffers = self.plan.graph.buffers
        places = {}
        if step.stationary is not None:
            places = {
                "stat_base": self._address(step.stationary),
                "stat_token_stride": 1,
                "stat_word_stride": buffers[step.stationary.buffer].tokens,
            }
        if step.added is not None:
            distance = self._address(step.added) - self._address(step.output)
            places["add_offset"] = distance % (1 << ADDRESS_BITS)
            if buffers[step.added.buffer].tokens != buffers[step.output.buffer].tokens:
                raise AssertionError(f"{op.name} adds {self._name(step.added)}, which lies in other strides")
        conv = replace(
            unplaced(node, self.config),
            tokens=step.count,
            **self._streamed_words(step),
            out_base=self._address(step.output),
            out_token_stride=1,
            out_word_stride=buffers[step.output.buffer].tokens,
            max_slot=self._maxima.get(step.index, 0),
            sum_slot=self._sums.get(step.index, 0),
            first_token=(0 if plain else node.first) + step.first if counted else 0,
            stream_offset=self.streams[step.node_index],
            **places,
        )
        own = slice(None)  # of the words that are streamed, those that this instruction reads
        if word_by_word(node, self.config):
            each, own = self.config.rows, slice(word, word + 1)
            conv = replace(
                conv,
                k=each,
                n=min(each, node.n - word * each),
                in_base=(conv.in_base + word * conv.in_tile_stride) % (1 << ADDRESS_BITS),
                out_base=conv.out_base + word * conv.out_word_stride,
            )
        elif (each := part_channels(node, self.config)) < node.n:
            words, before = each // self.config.rows, stream_rows(replace(conv, n=each), self.config)
            conv = replace(
                conv,
                n=min(each, node.n - word * each),
                out_base=conv.out_base + word * words * conv.out_word_stride,
                stream_offset=conv.stream_offset + word * before * self.config.row_bytes,
            )
        waits, lead = self._conv_waits(step, conv, own)
        conv = replace(
            conv,
            stream_beats=stream_bytes(conv, self.config) // self.config.bus_bytes,
            wait_conv=waits.conv,
            wait_dma=waits.dma,
            post_wait_dma=waits.post_dma,
            chained=lead is None and not own.start and self._follows(step, waits),
            pipelined=lead is not None,
            lead_words=lead or 0,
        )
        self._convs.append(conv)
        self.lines.append(Line(conv, op.name, step.index, None, step.output, self._useful(step, word)))

    def _useful(self, step: Step, word: int) -> int:
        """Multiply-accumulates of tokens that no earlier slice has made: of all slices together those of the
        layer. Of several instructions for the same tokens the first one has them."""
        made = self._made.setdefault(step.node_index, np.zeros(step.node.count, bool))
        before = int(made.sum())
        if not word:
            made[step.first : step.first + step.count] = True
        behind = int(made.sum())
        return step.node.macs * behind // made.size - step.node.macs * before // made.size

    def _streamed_words(self, step: Step) -> dict[str, int]:
        """Where the streamed operand lies, and how a window goes over it."""
        op: Any = step.node.op
        if not step.streamed:
            # Every place lies outside of a picture without pixels.
            return {"padded": True, "pad_value": op.prologue.fill & 255, "in_base": 0, "in_token_stride": 0}
        rows, buffer = step.streamed[0], self.plan.graph.buffers[step.streamed[0].buffer]
        base = self._address(rows)
        words_each = 0
        if isinstance(op.stationary, Diagonal):
            words_each = group_words(self.config)
        found = {
            "in_base": base,
            "in_token_stride": 1,
            "in_tile_stride": buffer.tokens,
            "in_group_stride": words_each * buffer.tokens,
        }
        if (window := op.window) is None:
            return found | _zeros_in_front(rows, buffer)
        width, wide = window.size[1], window.out_size[1]
        top, left, _, _ = window.padding
        (down, right), (apart_y, apart_x) = window.stride, window.dilation
        # The first row that the kernel touches, counted from the buffer's first.
        line = step.first // wide * down - top - buffer.first_token // width
        places = {
            "in_base": self.plan.places[buffer.index] + line * width - left,
            "row_tokens": wide if step.count > wide else 0,
            "in_token_stride": right,
            "in_row_stride": down * width,
            "in_tap_stride": apart_x,
            "in_tap_row_stride": apart_y * width,
        }
        if window.padded:
            places |= {
                "padded": True,
                "pad_value": op.pad & 255,
                "first_x": -left % (1 << PLACE_BITS),
                "first_y": line % (1 << PLACE_BITS),
                "step_x": right,
                "step_y": down,
                "dilation_x": apart_x,
                "dilation_y": apart_y,
                "in_width": width,
                "in_height": buffer.tokens // width,
            }
        return found | places | {"in_base": places["in_base"] % (1 << ADDRESS_BITS)}

    def end(self) -> None:
        """END."""
        self.lines.append(Line(End(), "end"))

    def _follows(self, step: Step, waits: Waits) -> bool:
        """Whether the last DMA that it waits for brings its streamed operand, a row for each word from the
        first one on."""
        if not waits.dma or len(step.streamed) != 1 or step.stationary is not None:
            return False
        line = self._dmas[waits.dma - 1]
        assert isinstance(line.instruction, Dma)
        brings = not line.instruction.store and line.rows.buffer == step.streamed[0].buffer
        return brings and not line.block.one_run

    def _conv_waits(self, step: Step, conv: Conv, own: slice) -> tuple[Waits, int | None]:
        """What it waits for, and with which lead it follows the words of the last convolution of those.

        Args:
            own: which words of the step's streamed operand the instruction reads.
        """
        tokens = slice(conv.first_token, conv.first_token + conv.tokens)
        reads = [self._region(rows) for rows in step.streamed]
        late_reads, early_writes, writes = [], [], [self._region(step.output)]
        if step.stationary is not None:
            reads.append(self._region(step.stationary))
        if conv.prologue == Prologue.NORMALISE:
            reads.append(Region("statistics", tokens))
        if conv.sums:
            writes.append(Region("statistics", tokens))
        if conv.prologue == Prologue.EXPONENTIAL:
            reads.append(Region("maxima", slice(conv.max_slot, conv.max_slot + 1)))
            early_writes.append(Region("sums", slice(conv.sum_slot, conv.sum_slot + 1)))
        if conv.row_max:
            writes.append(Region("maxima", slice(conv.max_slot, conv.max_slot + 1)))
        if conv.add:
            late_reads.append(self._region(step.added or step.output))
        writers = None
        if conv.prologue == Prologue.PLAIN and conv.stationary == StationarySource.STREAM:
            words = (self._words(rows)[own] for rows in step.streamed)
            writers = [(places, self._tracker.writers(places)) for part in words for places in part]
        late = self._tracker.last_writer(late_reads)
        waits = self._tracker.conv(reads, late_reads, early_writes, writes)
        return waits, None if writers is None or late == waits.conv else self._lead(waits.conv, writers)

    def _words(self, rows: Rows) -> list[Region]:
        """Places of some tokens, a region for each word of channels."""
        buffer = self.plan.graph.buffers[rows.buffer]
        firsts = range(self._address(rows), self._address(rows) + buffer.words, buffer.tokens)
        return [Region(_RESOURCES[buffer.space], slice(first, first + rows.count)) for first in firsts]

    def _lead(self, number: int, words: list[tuple[Region, np.ndarray]]) -> int | None:
        """With which lead words that are streamed follow those of a convolution's result, None where they do
        not: how many words behind the last one that it reads of the result a word is at least.

        Args:
            number: of the convolution, from 1; 0 for none. words: with who wrote each place last.
        """
        if not number:
            return None
        before = self._convs[number - 1]
        least = MOST_LEAD
        for word, (region, writers) in enumerate(words):
            assert isinstance(region.places, slice)
            places = region.places.start + np.flatnonzero(writers == number)
            if places.size:
                least = min(least, word - int(places.max() - before.out_base) // before.out_word_stride)
        return least if least >= 0 else None

    def _dma(
        self, store: bool, base: Base, block: DramBlock, rows: Rows, waits, name: str, step: int
    ) -> None:
        buffer = self.plan.graph.buffers[rows.buffer]
        words = tiles(buffer.tensor.channels, self.config.rows)
        if not store and base == Base.INPUT:
            rows = Rows(rows.buffer, rows.first + buffer.zero_rows, rows.count - buffer.zero_rows)
        dma = Dma(
            store=store,
            space=buffer.space,
            base=base,
            dram_offset=block.offset,
            dram_stride=0 if block.one_run else block.row_stride,
            sram_base=self._address(rows),
            sram_stride=0 if block.one_run else buffer.tokens,
            rows=1 if block.one_run else words,
            words=words * rows.count if block.one_run else rows.count,
            wait_conv=waits.conv,
            wait_dma=waits.dma,
        )
        self._dmas.append(Line(dma, name, step, block, rows))
        self.lines.append(self._dmas[-1])

    def _address(self, rows: Rows) -> int:
        return self.plan.places[rows.buffer] + rows.first

    def _region(self, rows: Rows) -> Region:
        buffer = self.plan.graph.buffers[rows.buffer]
        if rows.count == buffer.tokens:
            first = self._address(rows)
            return Region(_RESOURCES[buffer.space], slice(first, first + buffer.words))
        words = np.arange(buffer.words // buffer.tokens)[:, None] * buffer.tokens
        places = self._address(rows) + words + np.arange(rows.count)
        return Region(_RESOURCES[buffer.space], places.reshape(-1))

    def _name(self, rows: Rows) -> str:
        buffer = self.plan.graph.buffers[rows.buffer]
        if rows.count == buffer.tokens:
            return buffer.name
        first = buffer.first_token + rows.first
        return f"{buffer.tensor.key}[{first}:{first + rows.count}]"


def _zeros_in_front(rows: Rows, buffer: Buffer) -> dict[str, int]:
    """Tokens that nobody loads lie in front of a picture of one line, and are padding."""
    zeros = max(0, buffer.zero_rows - rows.first)
    if not zeros:
        return {}
    width = max(0, rows.count - zeros)
    return {
        "padded": True,
        "first_x": -zeros % (1 << PLACE_BITS),
        "step_x": 1,
        "in_width": width,
        "in_height": 1,
    }
