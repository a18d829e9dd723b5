"""Instructions: dataclasses whose fields are those of the documents, and their 64 bytes."""

import struct
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import ClassVar

INSTRUCTION_BYTES = 64


class Opcode(IntEnum):
    END = 0
    CONV = 1
    LOAD = 2
    STORE = 3


class Prologue(IntEnum):
    PLAIN = 0
    NORMALISE = 1
    EXPONENTIAL = 2


class Stationary(IntEnum):
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
    """One 1×1 convolution over a block of tokens."""

    LAYOUT: ClassVar[dict[str, tuple[int, int, int]]] = {  # name: word, lowest bit, width
        "prologue": (0, 4, 2),
        "in_unsigned": (0, 6, 1),
        "stationary": (0, 7, 2),
        "to_residual": (0, 9, 1),
        "out_unsigned": (0, 10, 1),
        "table": (0, 11, 1),
        "divide": (0, 12, 1),
        "row_max": (0, 13, 1),
        "add": (0, 14, 1),
        "sums": (0, 15, 1),
        "shifts": (0, 16, 1),
        "max_slot": (0, 17, 1),
        "sum_slot": (0, 18, 1),
        "follow": (0, 19, 1),
        "packing": (0, 20, 2),
        "tokens": (1, 0, 16),
        "k": (1, 16, 16),
        "n": (2, 0, 16),
        "post_wait_dma": (2, 16, 16),
        "in_base": (3, 0, 24),
        "in_token_stride": (4, 0, 16),
        "in_tile_stride": (4, 16, 16),
        "stat_base": (5, 0, 24),
        "stat_token_stride": (6, 0, 16),
        "stat_word_stride": (6, 16, 16),
        "out_base": (7, 0, 24),
        "out_token_stride": (8, 0, 16),
        "out_word_stride": (8, 16, 16),
        "stream_offset": (9, 0, 32),
        "stream_beats": (10, 0, 32),
        "wait_conv": (11, 0, 16),
        "wait_dma": (11, 16, 16),
        "first_token": (12, 0, 16),
        "mean_mult": (13, 0, 16),
        "mean_shift": (13, 16, 6),
        "norm_shift": (13, 22, 6),
        "norm_mult": (14, 0, 16),
        "epsilon": (15, 0, 32),
    }

    prologue: int = Prologue.PLAIN
    in_unsigned: int = 0
    stationary: int = Stationary.STREAM
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
    follow: int = 0
    packing: int = 0
    tokens: int = 1
    k: int = 1
    n: int = 1
    post_wait_dma: int = 0
    in_base: int = 0
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

    @property
    def opcode(self) -> Opcode:
        return Opcode.CONV


@dataclass
class Dma:
    """LOAD (DRAM to SRAM), or STORE (`store`: SRAM to DRAM), of `rows` × `words` words."""

    LAYOUT: ClassVar[dict[str, tuple[int, int, int]]] = {
        "space": (0, 4, 1),
        "base": (0, 5, 2),
        "dram_offset": (1, 0, 32),
        "sram_base": (2, 0, 24),
        "rows": (3, 0, 16),
        "words": (3, 16, 16),
        "sram_stride": (4, 0, 16),
        "dram_stride": (5, 0, 32),
        "wait_conv": (11, 0, 16),
        "wait_dma": (11, 16, 16),
    }

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
    LAYOUT: ClassVar[dict[str, tuple[int, int, int]]] = {}

    opcode: ClassVar[Opcode] = Opcode.END


Instruction = Conv | Dma | End


def encode(instruction: Instruction) -> bytes:
    """The 64 bytes of an instruction. A value that its field cannot hold raises ValueError."""
    words = [0] * 16
    words[0] = instruction.opcode
    for name, (word, low, width) in instruction.LAYOUT.items():
        value = int(getattr(instruction, name))
        if not 0 <= value < 1 << width:
            raise ValueError(f"{name} = {value} does not fit {width} bits")
        words[word] |= value << low
    return struct.pack("<16I", *words)


def decode(data: bytes) -> Instruction | None:
    """The instruction in 64 bytes, or None where the opcode is unknown. Values are not judged here."""
    words = struct.unpack("<16I", data)
    opcode = words[0] & 15
    if opcode > max(Opcode):
        return None
    kind = {Opcode.END: End, Opcode.CONV: Conv}.get(opcode, Dma)
    values = {name: words[word] >> low & (1 << width) - 1 for name, (word, low, width) in kind.LAYOUT.items()}
    if kind is Dma:
        values["store"] = opcode == Opcode.STORE
    return kind(**values)


def reserved_bits(data: bytes) -> int:
    """The bits of 64 bytes, as one little-endian integer, that belong to no field of their opcode."""
    value = int.from_bytes(data, "little")
    instruction = decode(data)
    value &= ~15
    for word, low, width in instruction.LAYOUT.values() if instruction else ():
        value &= ~((1 << width) - 1 << low + 32 * word)
    return value


# Each field of the layouts is a field of the dataclass, and the other way round.
assert all({f.name for f in fields(kind)} - {"store"} == set(kind.LAYOUT) for kind in (Conv, Dma, End))
