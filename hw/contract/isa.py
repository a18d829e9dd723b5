"""The instruction set: CONV, LOAD, STORE and END, each 64 bytes, and how they lie in memory.

An instruction is sixteen little-endian 32-bit words. The layouts below are tables of (field, width), from bit
0 up; hardware builds its structures from the same tables, so that there is one place to change.
"""

import enum
from dataclasses import dataclass

from .errors import PointwiseError

INSTRUCTION_BYTES = 64
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


class Stationary(enum.IntEnum):
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

CONV_LAYOUT: tuple[tuple[str, int], ...] = (
    ("opcode", 4),
    ("prologue", 2),
    ("in_unsigned", 1),
    ("stationary", 2),
    ("to_residual", 1),
    ("out_unsigned", 1),
    ("table", 1),
    ("divide", 1),
    ("row_max", 1),
    ("add", 1),
    ("sums", 1),
    ("shifts", 1),
    ("max_slot", 1),
    ("sum_slot", 1),
    ("follow", 1),
    ("packing", 2),
    ("reserved0", 10),
    ("tokens", 16),
    ("k", 16),
    ("n", 16),
    ("post_wait_dma", 16),
    ("in_base", 24),
    ("reserved1", 8),
    ("in_token_stride", 16),
    ("in_tile_stride", 16),
    ("stat_base", 24),
    ("reserved2", 8),
    ("stat_token_stride", 16),
    ("stat_word_stride", 16),
    ("out_base", 24),
    ("reserved3", 8),
    ("out_token_stride", 16),
    ("out_word_stride", 16),
    ("stream_offset", 32),
    ("stream_beats", 32),
    ("wait_conv", 16),
    ("wait_dma", 16),
    ("first_token", 16),
    ("reserved4", 16),
    ("mean_mult", 16),
    ("mean_shift", 6),
    ("norm_shift", 6),
    ("reserved5", 4),
    ("norm_mult", 16),
    ("reserved6", 16),
    ("epsilon", 32),
)

DMA_LAYOUT: tuple[tuple[str, int], ...] = (
    ("opcode", 4),
    ("space", 1),
    ("base", 2),
    ("reserved0", 25),
    ("dram_offset", 32),
    ("sram_base", 24),
    ("reserved1", 8),
    ("rows", 16),
    ("words", 16),
    ("sram_stride", 16),
    ("reserved2", 16),
    ("dram_stride", 32),
    ("reserved3", 160),
    ("wait_conv", 16),
    ("wait_dma", 16),
    ("reserved4", 128),
)


@dataclass(frozen=True)
class Conv:
    """One 1×1 convolution: out[t, n] = epilogue(Σ_k prologue(in[t, k]) · W[n, k]).

    The hardware runs ``for each N-tile, for each K-tile, for each token``. Addresses and strides are in words
    (R lanes). Channel c lies in lane c mod R of the word c // R.

    Attributes:
        tokens: T, 1..max_tokens. k, n: channels in and out, 1..4096.
        prologue, in_unsigned: how the streamed operand is read (``Prologue``; uint8 instead of int8 lanes).
        in_base, in_token_stride, in_tile_stride: word of (t, K-tile j) = base + t·token_stride +
            j·tile_stride.
        stationary: source of the stationary operand (``Stationary``).
        stat_base, stat_token_stride, stat_word_stride: for KEYS and VALUES, word w of token u =
            base + u·token_stride + w·word_stride.
        out_base, out_token_stride, out_word_stride: word w of token t of the result.
        to_residual: write int16 to the residual SRAM instead of 8 bits to the activation SRAM.
        add: residual only: saturating sum with the value that was there.
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
        follow: do not wait for the whole of DMA instruction ``wait_dma``, a LOAD: while that is at work,
            K-tile j of the first N-tile starts as soon as its rows 0..j are there. For a streamed operand of
            which row j of the LOAD brings K-tile j; the stationary operand must come from the stream.
        packing: weights in a byte of the stream: 0 one of 8 bits, 1 two of 4 bits, 2 four of 2 bits.
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
    stationary: Stationary = Stationary.STREAM
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
    follow: bool = False
    packing: int = 0
    first_token: int = 0
    mean_mult: int = 0
    mean_shift: int = 0
    norm_mult: int = 0
    norm_shift: int = 0
    epsilon: int = 0

    def encode(self) -> bytes:
        """The 64 bytes of the instruction; raises PointwiseError when a field does not fit."""
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
        """The 64 bytes of the instruction; raises PointwiseError when a field does not fit."""
        return _encode(self, Opcode.STORE if self.store else Opcode.LOAD, DMA_LAYOUT)


@dataclass(frozen=True)
class End:
    """Waits until everything before it is complete, then ends the program."""

    def encode(self) -> bytes:
        """Sixty-four zero bytes."""
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
        raise AssertionError("an instruction layout must fill 512 bits exactly")
