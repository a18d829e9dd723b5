"""What an instruction may say, and what a program promises.

An instruction that breaks a rule ends the run with Code.OPERAND before it begins. A program that breaks a
promise, which a core could not see without multipliers, has an undefined result; here it raises Unsound.
"""

from collections.abc import Iterator

import numpy as np

from tests.independent.reference import footprint, stream
from tests.independent.reference.core import Code, Core, CoreError, Unsound
from tests.independent.reference.fields import Base, Conv, Dma, Instruction, Prologue, Space, StationarySource

MAX_CHANNELS = 4096
UNIT = 64

Rules = Iterator[tuple[bool, str]]
"""Whether each rule is kept, and what it is about."""


def check(instruction: Instruction, convs: int, dmas: int, core: Core) -> None:
    """Raises CoreError(OPERAND) where an instruction, with `convs` and `dmas` before it, is not legal."""
    rules = {Conv: _conv_rules, Dma: _dma_rules}.get(type(instruction), lambda *_: iter(()))
    for kept, subject in (*rules(instruction, core), *_wait_rules(instruction, convs, dmas)):
        if not kept:
            raise CoreError(Code.OPERAND, f"illegal {subject}")


def _wait_rules(instruction: Instruction, convs: int, dmas: int) -> Rules:
    yield getattr(instruction, "wait_conv", 0) <= convs, "wait_conv"
    yield getattr(instruction, "wait_dma", 0) <= dmas, "wait_dma"
    yield getattr(instruction, "post_wait_dma", 0) <= dmas, "post_wait_dma"


def _conv_rules(conv: Conv, core: Core) -> Rules:
    streamed, plain = conv.stationary == StationarySource.STREAM, conv.prologue == Prologue.PLAIN
    yield conv.prologue <= max(Prologue), "prologue"
    yield conv.stationary <= max(StationarySource), "stationary"
    yield conv.packing <= 2, "packing"
    yield 1 <= conv.tokens <= core.max_tokens, "tokens"
    yield 1 <= conv.k <= MAX_CHANNELS, "k"
    yield 1 <= conv.n <= MAX_CHANNELS, "n"
    yield 1 <= conv.stream_beats < (1 << 32) // core.bus_bytes, "stream_beats"
    yield conv.stream_offset % UNIT == 0, "stream_offset"
    yield not conv.in_unsigned or plain, "in_unsigned"
    yield not conv.shifts or conv.prologue == Prologue.NORMALISE, "shifts"
    yield not conv.divide or conv.prologue == Prologue.EXPONENTIAL, "divide"
    yield not conv.packing or streamed, "packing"
    yield not conv.chained or streamed, "chained"
    yield not conv.pipelined or (streamed and plain and not conv.chained), "pipelined"
    yield not conv.lead_words or conv.pipelined, "lead_words"
    yield not conv.diagonal or (streamed and not conv.packing), "diagonal"
    yield not conv.maximum or conv.diagonal, "maximum"
    yield not conv.padded or plain, "padded"
    yield not (conv.extra_taps or conv.extra_lines) or (streamed and plain), "extra_taps or extra_lines"
    yield conv.row_tokens <= core.max_tokens, "row_tokens"
    yield not (conv.out_unsigned and conv.to_residual), "out_unsigned"
    yield not (conv.table and conv.to_residual), "table"
    yield not (conv.row_max and (conv.to_residual or conv.out_unsigned)), "row_max"
    yield not (conv.table and conv.add), "table"
    scaled = conv.add_unsigned or conv.add_factor or conv.add_shift
    yield not scaled or (conv.add and not conv.to_residual), "add_unsigned, add_factor or add_shift"
    yield not conv.add_offset or conv.add, "add_offset"
    yield not conv.sums or conv.to_residual, "sums"
    yield not conv.sums or conv.mean_shift >= 9, "mean_shift"
    yield not conv.sums or conv.norm_shift <= 26, "norm_shift"
    numbered = conv.sums or conv.row_max or not plain
    yield not numbered or conv.first_token + conv.tokens <= core.max_tokens, "first_token"


def _dma_rules(dma: Dma, core: Core) -> Rules:
    yield dma.base <= max(Base), "base"
    yield dma.dram_offset % UNIT == 0, "dram_offset"
    yield dma.dram_stride % UNIT == 0, "dram_stride"
    yield dma.rows >= 1, "rows"
    yield dma.words >= 1, "words"


def check_promises(instruction: Conv | Dma, core: Core) -> None:
    """Raises Unsound where a legal instruction breaks a promise that concerns it alone."""
    sizes = {Space.ACTIVATION: core.act_words, Space.RESIDUAL: core.res_words}
    if isinstance(instruction, Dma):
        dma = instruction
        if dma.sram_base + (dma.rows - 1) * dma.sram_stride + dma.words > sizes[Space(dma.space)]:
            raise Unsound("a LOAD or STORE reaches past the end of its SRAM")
        return
    conv, marks = instruction, footprint.of(instruction, core)
    if any(marks.words(space).max(initial=0) >= size for space, size in sizes.items()):
        raise Unsound("a CONV reaches past the end of an SRAM")
    if conv.stream_beats * core.bus_bytes != stream.stream_bytes(conv, core):
        raise Unsound("stream_beats is not the length of its stream")
    results = footprint.result_words(conv, core)
    if np.unique(results).size != results.size:
        raise Unsound("two of its results lie in one word")
    if conv.row_tokens and conv.tokens % conv.row_tokens:
        raise Unsound("its tokens do not fill rows of row_tokens")
    if conv.add and conv.add_offset and np.isin(results, footprint.added_words(conv, core)).any():
        raise Unsound("it writes words that it adds to")
    if conv.sums and conv.n * conv.mean_mult << 16 > (1 << 16) + 1 << conv.mean_shift:
        raise Unsound("the mean's multiplier is larger than 1/H")
