"""Instructions: dataclasses whose fields are those of the documents, and their 128 bytes."""

import struct
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import ClassVar

from tests.independent.reference import layouts
from tests.independent.reference.layouts import Layout

INSTRUCTION_BYTES = 4 * layouts.WORDS
WORDS = f"<{layouts.WORDS}I"


class Opcode(IntEnum):
    END = 0
    CONV = 1
    LOAD = 2
    STORE = 3


class Prologue(IntEnum):
    PLAIN = 0
    NORMALISE = 1
    EXPONENTIAL = 2


class StationarySource(IntEnum):
    STREAM = 0
    KEYS = 1
    VALUES = 2


class Space(IntEnum):
    ACTIVATION = 0
    RESIDUAL = 1


class Base(IntEnum):
    IMAGE = 0
    INPUT = 1
    OUTPUT = 2


@dataclass
class Conv:
    """One convolution over a block of tokens, or over a picture of rows of `row_tokens`.

    `first_x` and `first_y` are fields of 12 bits here, without a sign: −1 is 4095.
    """

    LAYOUT: ClassVar[Layout] = layouts.CONV

    prologue: int = Prologue.PLAIN
    in_unsigned: int = 0
    stationary: int = StationarySource.STREAM
    to_residual: int = 0
    out_unsigned: int = 0
    table: int = 0
    divide: int = 0
    row_max: int = 0
    add: int = 0
    sums: int = 0
    shifts: int = 0
    max_slot: int = 0
    sum_slot: int = 0
    chained: int = 0
    pipelined: int = 0
    lead_words: int = 0
    packing: int = 0
    padded: int = 0
    diagonal: int = 0
    maximum: int = 0
    add_unsigned: int = 0
    add_factor: int = 0
    add_shift: int = 0
    tokens: int = 1
    k: int = 1
    n: int = 1
    post_wait_dma: int = 0
    in_base: int = 0
    pad_value: int = 0
    in_token_stride: int = 0
    in_tile_stride: int = 0
    stat_base: int = 0
    stat_token_stride: int = 0
    stat_word_stride: int = 0
    out_base: int = 0
    out_token_stride: int = 0
    out_word_stride: int = 0
    stream_offset: int = 0
    stream_beats: int = 0
    wait_conv: int = 0
    wait_dma: int = 0
    first_token: int = 0
    mean_mult: int = 0
    mean_shift: int = 0
    norm_shift: int = 0
    norm_mult: int = 0
    epsilon: int = 0
    row_tokens: int = 0
    in_row_stride: int = 0
    in_tap_stride: int = 0
    in_tap_row_stride: int = 0
    in_group_stride: int = 0
    extra_taps: int = 0
    extra_lines: int = 0
    step_x: int = 0
    step_y: int = 0
    dilation_x: int = 0
    dilation_y: int = 0
    first_x: int = 0
    first_y: int = 0
    in_width: int = 0
    in_height: int = 0
    add_offset: int = 0

    @property
    def opcode(self) -> Opcode:
        return Opcode.CONV


@dataclass
class Dma:
    """LOAD (DRAM to SRAM), or STORE (`store`: SRAM to DRAM), of `rows` × `words` words."""

    LAYOUT: ClassVar[Layout] = layouts.DMA

    store: bool = False
    space: int = Space.ACTIVATION
    base: int = Base.INPUT
    dram_offset: int = 0
    sram_base: int = 0
    rows: int = 1
    words: int = 1
    sram_stride: int = 0
    dram_stride: int = 0
    wait_conv: int = 0
    wait_dma: int = 0

    @property
    def opcode(self) -> Opcode:
        return Opcode.STORE if self.store else Opcode.LOAD


@dataclass
class End:
    LAYOUT: ClassVar[Layout] = {}

    opcode: ClassVar[Opcode] = Opcode.END


Instruction = Conv | Dma | End


def encode(instruction: Instruction) -> bytes:
    """The 128 bytes of an instruction. A value that its field cannot hold raises ValueError."""
    words = [0] * layouts.WORDS
    words[0] = instruction.opcode
    for name, (word, low, width) in instruction.LAYOUT.items():
        value = int(getattr(instruction, name))
        if not 0 <= value < 1 << width:
            raise ValueError(f"{name} = {value} does not fit {width} bits")
        words[word] |= value << low
    return struct.pack(WORDS, *words)


def decode(data: bytes) -> Instruction | None:
    """The instruction in 128 bytes, or None where the opcode is unknown. Values are not judged here."""
    words = struct.unpack(WORDS, data)
    opcode = words[0] & 15
    if opcode > max(Opcode):
        return None
    kind = {Opcode.END: End, Opcode.CONV: Conv}.get(opcode, Dma)
    values = {name: words[word] >> low & (1 << width) - 1 for name, (word, low, width) in kind.LAYOUT.items()}
    if kind is Dma:
        values["store"] = opcode == Opcode.STORE
    return kind(**values)


def reserved_bits(data: bytes) -> int:
    """The bits of 128 bytes, as one little-endian integer, that belong to no field of their opcode."""
    value = int.from_bytes(data, "little")
    instruction = decode(data)
    value &= ~15
    for word, low, width in instruction.LAYOUT.values() if instruction else ():
        value &= ~((1 << width) - 1 << low + 32 * word)
    return value


# Each field of the layouts is a field of the dataclass, and the other way round.
assert all({f.name for f in fields(kind)} - {"store"} == set(kind.LAYOUT) for kind in (Conv, Dma, End))
