"""The instruction set: CONV, LOAD, STORE and END, each 128 bytes, and how they lie in memory.

An instruction is 32 little-endian 32-bit words. The layouts below are tables of ``Field``, from bit 0 up. The
structures of the hardware, the part that each of its units keeps, decoding and the documents are derived from
them, so that there is one place to change.
"""

import enum
from dataclasses import dataclass
from typing import NamedTuple

from .errors import PointwiseError

INSTRUCTION_BYTES = 128
INSTRUCTION_BITS = 8 * INSTRUCTION_BYTES


class Opcode(enum.IntEnum):
    """What an instruction does; zeroed memory is END."""

    END = 0
    CONV = 1
    LOAD = 2
    STORE = 3


class Prologue(enum.IntEnum):
    """What happens to an activation word on its way into the array."""

    PLAIN = 0
    """int8 (or uint8) lanes of the activation SRAM, as they are."""
    NORMALISE = 1
    """int16 lanes of the residual SRAM, LayerNorm with the statistics of the token."""
    EXPONENTIAL = 2
    """int8 scores of the activation SRAM, to EXP[row maximum − score], a uint8."""


class StationarySource(enum.IntEnum):
    """Where the stationary operand comes from."""

    STREAM = 0
    """The stationary stream in DRAM: R rows of C weights for each tile."""
    KEYS = 1
    """Activation SRAM, W[out = token][in = dimension]: a word is one column of a tile."""
    VALUES = 2
    """Activation SRAM, W[out = dimension][in = token]: a word is (part of) one row of a tile."""


class Space(enum.IntEnum):
    """Which on-chip memory a LOAD or STORE means."""

    ACTIVATION = 0
    RESIDUAL = 1


class Base(enum.IntEnum):
    """Which base register a DRAM offset counts from."""

    IMAGE = 0
    INPUT = 1
    OUTPUT = 2


MAX_PACKING = 2
"""Largest ``packing``: four weights of 2 bits in a byte."""


class Unit(enum.Flag):
    """The units of the engine that keep a part of a CONV."""

    LOADER = enum.auto()
    STREAMER = enum.auto()
    EPILOGUE = enum.auto()


class Field(NamedTuple):
    """A field of an instruction.

    Attributes:
        name, width: in bits. units: who keeps it; none where the program fetch alone looks at it.
    """

    name: str
    width: int
    units: Unit = Unit(0)


_L, _S, _E = Unit.LOADER, Unit.STREAMER, Unit.EPILOGUE

CONV_FIELDS: tuple[Field, ...] = (
    Field("opcode", 4),
    Field("prologue", 2, _L | _S),
    Field("in_unsigned", 1, _S),
    Field("stationary", 2, _L),
    Field("to_residual", 1, _E),
    Field("out_unsigned", 1, _E),
    Field("table", 1, _L | _E),
    Field("divide", 1, _E),
    Field("row_max", 1, _E),
    Field("add", 1, _E),
    Field("sums", 1, _E),
    Field("shifts", 1, _L | _S),
    Field("max_slot", 1, _S | _E),
    Field("sum_slot", 1, _S | _E),
    Field("chained", 1, _S),
    Field("packing", 2, _L),
    Field("padded", 1, _S),
    Field("diagonal", 1, _L),
    Field("maximum", 1, _S),
    Field("add_unsigned", 1, _E),
    Field("add_factor", 3, _E),
    Field("add_shift", 3, _E),
    Field("tokens", 16, _L | _S | _E),
    Field("k", 16, _L | _S),
    Field("n", 16, _L | _S | _E),
    Field("post_wait_dma", 16, _E),
    Field("in_base", 24, _S),
    Field("pad_value", 8, _S),
    Field("in_token_stride", 16, _S),
    Field("in_tile_stride", 16, _S),
    Field("stat_base", 24, _L),
    Field("reserved0", 8),
    Field("stat_token_stride", 16, _L),
    Field("stat_word_stride", 16, _L),
    Field("out_base", 24, _E),
    Field("reserved1", 8),
    Field("out_token_stride", 16, _E),
    Field("out_word_stride", 16, _E),
    Field("stream_offset", 32),
    Field("stream_beats", 32),
    Field("wait_conv", 16, _L | _S),
    Field("wait_dma", 16, _L | _S),
    Field("first_token", 16, _S | _E),
    Field("lead_words", 8, _S),
    Field("reserved2", 8),
    Field("mean_mult", 16, _E),
    Field("mean_shift", 6, _E),
    Field("norm_shift", 6, _E),
    Field("reserved3", 4),
    Field("norm_mult", 16, _E),
    Field("reserved4", 16),
    Field("epsilon", 32, _E),
    Field("row_tokens", 16, _S),
    Field("in_row_stride", 16, _S),
    Field("in_tap_stride", 16, _S),
    Field("in_tap_row_stride", 16, _S),
    Field("in_group_stride", 16, _S),
    Field("extra_taps", 4, _L | _S),
    Field("extra_lines", 4, _L | _S),
    Field("step_x", 4, _S),
    Field("step_y", 4, _S),
    Field("dilation_x", 4, _S),
    Field("dilation_y", 4, _S),
    Field("first_x", 12, _S),
    Field("first_y", 12, _S),
    Field("in_width", 11, _S),
    Field("pipelined", 1, _S),
    Field("reserved5", 4),
    Field("in_height", 11, _S),
    Field("reserved6", 5),
    Field("add_offset", 24, _E),
    Field("reserved7", 328),
)

DMA_FIELDS: tuple[Field, ...] = (
    Field("opcode", 4),
    Field("space", 1),
    Field("base", 2),
    Field("reserved0", 25),
    Field("dram_offset", 32),
    Field("sram_base", 24),
    Field("reserved1", 8),
    Field("rows", 16),
    Field("words", 16),
    Field("sram_stride", 16),
    Field("reserved2", 16),
    Field("dram_stride", 32),
    Field("reserved3", 160),
    Field("wait_conv", 16),
    Field("wait_dma", 16),
    Field("reserved4", 640),
)

CONV_LAYOUT: tuple[tuple[str, int], ...] = tuple((field.name, field.width) for field in CONV_FIELDS)
DMA_LAYOUT: tuple[tuple[str, int], ...] = tuple((field.name, field.width) for field in DMA_FIELDS)


@dataclass(frozen=True)
class Conv:
    """One convolution: out[t, n] = epilogue(Σ_k,tap prologue(in[place of t and tap, k]) · W[n, k, tap]).

    The hardware runs ``for each N-tile, for each word of R channels, for each tap (line by line), for each
    token``; a word and a tap make a K-tile. Addresses and strides are in words (R lanes). Channel c lies in
    lane c mod R of the word c // R.

    Attributes:
        tokens: T, 1..max_tokens. k, n: channels in and out, 1..4096.
        row_tokens: tokens t that lie in a row of the result's picture: t is column t mod row_tokens of row
            t // row_tokens. 0: all in one row; else T is a multiple of it.
        extra_taps, extra_lines: taps of a line after the first, and lines of taps after the first.
        prologue, in_unsigned: how the streamed operand is read (``Prologue``; uint8 instead of int8 lanes).
        in_base, in_token_stride, in_row_stride, in_tap_stride, in_tap_row_stride, in_tile_stride,
            in_group_stride: word of (column, row, tap, line of taps, word of channels, group) = base + the
            sum of each times its stride, modulo 2²⁴ (``pointwise.hw.contract.walks``). A group is an N-tile,
            or where C < R the R / C N-tiles whose channels are those of one word.
        padded, pad_value, in_width, in_height: a word whose place lies outside of the picture of in_width ×
            in_height counts for nothing: all its lanes are pad_value, a byte that is read as the others are.
        first_x, first_y: place of token 0 at tap 0, two's complement. step_x, step_y: places from column to
            column and from row to row. dilation_x, dilation_y: from tap to tap, and from line to line.
        maximum: keep the largest of the K-tiles' sums in place of their sum, each taken as its lowest 9 bits,
            two's complement. With ``diagonal`` and weights of 1 this is the maximum over the taps.
        stationary: source of the stationary operand (``StationarySource``).
        stat_base, stat_token_stride, stat_word_stride: for KEYS and VALUES, word w of token u =
            base + u·token_stride + w·word_stride.
        out_base, out_token_stride, out_word_stride: word w of token t of the result.
        to_residual: write int16 to the residual SRAM instead of 8 bits to the activation SRAM.
        add: with to_residual the saturating sum with an old value. Without, result and an old byte
            are added in finer steps, see ``model.integer.requantise.add_scaled``.
        add_offset: the value that is added to lies so many words behind the place of the result, modulo 2²⁴:
            0 for a sum in place.
        add_unsigned, add_factor, add_shift: of that byte: whether it is a uint8, and its factor; and by how
            many bits the sum is shifted right.
        sums: residual only: keep Σx and Σx² per token and turn them into LayerNorm statistics at the end,
            stored under first_token + t.
        out_unsigned: clamp to 0..255 instead of −128..127 (activation only).
        table: look the requantised byte up in the table of the stream (activation only).
        divide: softmax's denominator: multiply by 1/S[t] before requantising (with EXPONENTIAL).
        row_max: keep the maximum of the results per token under slot max_slot and first_token + t.
        max_slot: which of two sets of row maxima is written (row_max) or read (EXPONENTIAL).
        sum_slot: which of two sets of reciprocals is written and read (EXPONENTIAL, divide).
        shifts: the stream carries the channel shifts of each K-tile (with NORMALISE).
        first_token: token number of t = 0 for row maxima and LayerNorm statistics, written and read.
        mean_mult, mean_shift, norm_mult, norm_shift, epsilon: constants of the LayerNorm statistics that
            ``sums`` produces; see ``pointwise.model.integer.layernorm``.
        stream_offset, stream_beats: the stationary stream of this convolution: byte offset from the image's
            start (a multiple of 64) and its length in beats of the bus.
        wait_conv, wait_dma: start only when that many convolutions (DMA instructions) of the program have
            been completed. The stream from DRAM is prefetched before.
        post_wait_dma: the epilogue starts only when that many DMA instructions have been completed.
        chained: do not wait for the whole of DMA instruction ``wait_dma``, a LOAD: while that is at work,
            the K-tiles of word j of the first N-tile start as soon as its rows 0..j are there. For a streamed
            operand of which row j of the LOAD brings word j; the stationary one must come from the stream.
        pipelined, lead_words: do not wait for the whole of convolution ``wait_conv``: while that is the
            oldest one that is not complete, the K-tiles of word j of the first N-tile start as soon as words
            0..j − lead_words of its results are; the first ``lead_words`` words wait for none of it. For a
            streamed operand of which those results are words; the stationary one must come from the stream.
        packing: weights in a byte of the stream: 0 one of 8 bits, 1 two of 4 bits, 2 four of 2 bits.
        diagonal: the stream has one row of C weights for each K-tile: that of channel n is for lane n mod R,
            all others are 0. With an ``in_group_stride`` that leads to the words of the next group's channels
            this is a depthwise convolution.
    """

    tokens: int
    k: int
    n: int
    in_base: int
    in_token_stride: int
    out_base: int
    out_token_stride: int
    stream_offset: int
    stream_beats: int
    in_tile_stride: int = 1
    out_word_stride: int = 1
    prologue: Prologue = Prologue.PLAIN
    in_unsigned: bool = False
    stationary: StationarySource = StationarySource.STREAM
    stat_base: int = 0
    stat_token_stride: int = 0
    stat_word_stride: int = 1
    to_residual: bool = False
    out_unsigned: bool = False
    table: bool = False
    divide: bool = False
    row_max: bool = False
    add: bool = False
    sums: bool = False
    shifts: bool = False
    max_slot: int = 0
    sum_slot: int = 0
    wait_conv: int = 0
    wait_dma: int = 0
    post_wait_dma: int = 0
    chained: bool = False
    pipelined: bool = False
    lead_words: int = 0
    packing: int = 0
    diagonal: bool = False
    maximum: bool = False
    row_tokens: int = 0
    in_row_stride: int = 0
    in_tap_stride: int = 0
    in_tap_row_stride: int = 0
    in_group_stride: int = 0
    extra_taps: int = 0
    extra_lines: int = 0
    padded: bool = False
    pad_value: int = 0
    first_x: int = 0
    first_y: int = 0
    step_x: int = 0
    step_y: int = 0
    dilation_x: int = 0
    dilation_y: int = 0
    in_width: int = 0
    in_height: int = 0
    add_unsigned: bool = False
    add_factor: int = 0
    add_shift: int = 0
    add_offset: int = 0
    first_token: int = 0
    mean_mult: int = 0
    mean_shift: int = 0
    norm_mult: int = 0
    norm_shift: int = 0
    epsilon: int = 0

    @property
    def taps(self) -> int:
        """Taps of the kernel."""
        return (self.extra_taps + 1) * (self.extra_lines + 1)

    def encode(self) -> bytes:
        """The 128 bytes of the instruction; raises PointwiseError when a field does not fit."""
        return _encode(self, Opcode.CONV, CONV_LAYOUT)


@dataclass(frozen=True)
class Dma:
    """LOAD (DRAM to SRAM) or STORE (SRAM to DRAM) of a block of ``rows`` × ``words`` words.

    Attributes:
        store: False for LOAD, True for STORE.
        space: activation or residual SRAM. base: what ``dram_offset`` counts from.
        dram_offset: byte offset of the first row; dram_stride: bytes from row to row. Both are multiples
            of 64. Words lie packed in a row (act_word_bytes or res_word_bytes each).
        sram_base, sram_stride: word address of the first row, and words from row to row.
        rows, words: 1..65535.
        wait_conv, wait_dma: as in ``Conv``.
    """

    store: bool
    space: Space
    base: Base
    dram_offset: int
    dram_stride: int
    sram_base: int
    sram_stride: int
    rows: int
    words: int
    wait_conv: int = 0
    wait_dma: int = 0

    def encode(self) -> bytes:
        """The 128 bytes of the instruction; raises PointwiseError when a field does not fit."""
        return _encode(self, Opcode.STORE if self.store else Opcode.LOAD, DMA_LAYOUT)


@dataclass(frozen=True)
class End:
    """Waits until everything before it is complete, then ends the program."""

    def encode(self) -> bytes:
        """128 zero bytes."""
        return bytes(INSTRUCTION_BYTES)


Instruction = Conv | Dma | End


def _encode(instruction: "Conv | Dma", opcode: Opcode, layout: tuple[tuple[str, int], ...]) -> bytes:
    word = position = 0
    for name, width in layout:
        if name == "opcode":
            value = int(opcode)
        else:
            value = 0 if name.startswith("reserved") else int(getattr(instruction, name))
        if not 0 <= value < 1 << width:
            raise PointwiseError(
                f"instruction field {name} = {value} does not fit its {width} bits; the network is too large "
                "for this instruction set"
            )
        word |= value << position
        position += width
    return word.to_bytes(INSTRUCTION_BYTES, "little")


for _layout in (CONV_LAYOUT, DMA_LAYOUT):
    if sum(width for _, width in _layout) != INSTRUCTION_BITS:
        raise AssertionError("an instruction layout must fill 1,024 bits exactly")
