"""Damaged images with a right checksum: executor, emulator and core refuse alike."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError, Refused
from pointwise.model.compiler import Compiled
from pointwise.model.compiler.shapes import random_config
from pointwise.model.emulator import Emulator
from pointwise.sim.system.run import run_core
from tests.independent.programs import Generator
from tests.independent.project import cases, core_of
from tests.independent.reference import executor, image, layouts
from tests.independent.reference.core import Code, Unsound
from tests.independent.reference.fields import Conv, Prologue, StationarySource
from tests.sim.system.cores import SHAPES, simulator

Outcome = tuple[str, int | None]
"""Name of the error code and index of the instruction; or "unsound"."""

HEADER_WORDS = 16
WORDS = (0, 1, 63, 64, 128, 192, 256, 65535, 65536, 0x7FFFFFFF, 0xFFFFFFC0, 0xFFFFFFFF)
EDGES = {
    "prologue": (0, 1, 2, 3),
    "stationary": (0, 1, 2, 3),
    "packing": (0, 1, 2, 3),
    "base": (0, 1, 2, 3),
    "k": (0, 1, 4096, 4097),
    "n": (0, 1, 4096, 4097),
    "rows": (0, 1),
    "words": (0, 1),
    "mean_shift": (8, 9, 63),
    "norm_shift": (0, 26, 27),
    "first_token": (0, 0xFFFF),
    "stream_offset": (64, 65, 96),
    "dram_offset": (0, 32, 64),
    "dram_stride": (0, 1, 64),
    "stream_beats": (0, 1, 0xFFFFFFFF),
    "wait_conv": (0, 1, 2, 3),
    "wait_dma": (0, 4, 5, 6, 7, 8),
    "post_wait_dma": (0, 4, 5, 6, 7, 8),
    "shifts": (0, 1),
    "divide": (0, 1),
    "add": (0, 1),
    "sums": (0, 1),
    "row_max": (0, 1),
    "table": (0, 1),
    "out_unsigned": (0, 1),
    "diagonal": (0, 1),
    "maximum": (0, 1),
    "padded": (0, 1),
    "extra_taps": (0, 1, 15),
    "extra_lines": (0, 1, 15),
    "add_unsigned": (0, 1),
    "add_factor": (0, 1, 7),
    "add_shift": (0, 1, 7),
    "add_offset": (0, 1, (1 << 24) - 1),
    "in_width": (0, 1, 2047),
    "first_x": (0, 2047, 2048, 4095),
}
"""Values on both sides of the limits of fields."""
UNLIMITED = {"in_width", "first_x"}
"""Of these every value is legal."""


def changed(data: bytes, word: int, value: int) -> bytes:
    """An image with another word in it, and the checksum that belongs to that."""
    content = bytearray(data[: -image.TRAILER_BYTES])
    struct.pack_into("<I", content, 4 * word, value)
    return image.checksum(bytes(content))


def ours(data: bytes, block: bytes, config: CoreConfig, output_bytes: int | None = None) -> Outcome:
    try:
        result = executor.run(data, block, core_of(config), output_bytes=output_bytes)
    except Unsound:
        return "unsound", None
    return result.code.name, result.instruction


def theirs(data: bytes, block: bytes, config: CoreConfig, output_bytes: int | None = None) -> Outcome:
    try:
        Emulator(data, config).run(block, output_bytes=output_bytes)
    except Refused as refusal:
        return refusal.error.name, refusal.instruction
    except PointwiseError:
        return "unsound", None
    return Code.NONE.name, None


def agree(first: Outcome, second: Outcome) -> bool:
    """An unsound program may be found out anywhere, and a program is read ahead of a row that leaves its
    window; everything else is the same."""
    if first[0] == Code.WINDOW.name and first != second:
        return second[0] == "unsound" or (second[1] or 0) > first[1]
    return first == second or (first[0] == "unsound" and second[0] != Code.NONE.name)


@pytest.mark.parametrize("seed", cases(2))
def test_headers(seed: int) -> None:
    rng, config = np.random.default_rng(seed), random_config(seed)
    drawn = Generator(rng, core_of(config)).draw(2)
    codes = set()
    for word in range(HEADER_WORDS):
        old = struct.unpack_from("<I", drawn.image, 4 * word)[0]
        near = [old + 1, old - 1, old + 64, old - 64, *(old ^ 1 << bit for bit in range(32))]
        for value in {*WORDS, *(value & 0xFFFFFFFF for value in near)} - {old}:
            data = changed(drawn.image, word, value)
            if word in (9, 10) and value > 1 << 20:
                continue  # sizes of input and output that only a driver can refuse
            found = ours(data, drawn.input_block, config)
            codes.add(found[0])
            if word == 9:
                continue  # the block that both are given is that of the old header
            assert agree(found, theirs(data, drawn.input_block, config)), (word, value, found)
    assert codes >= {"MAGIC", "VERSION", "SHAPE", "LENGTH", "MEMORY", "PROGRAM"}


@pytest.mark.parametrize("seed", cases(4))
def test_instructions(seed: int) -> None:
    """Single bits of a program."""
    rng, config = np.random.default_rng([seed, 1]), random_config(seed)
    drawn = Generator(rng, core_of(config)).draw(6)
    codes = set()
    instructions = len(drawn.assembler.program) + 1
    for _ in range(150):
        word = HEADER_WORDS + layouts.WORDS * int(rng.integers(instructions))  # opcode and flags
        if rng.integers(3):
            word += int(rng.integers(layouts.WORDS))
        old = struct.unpack_from("<I", drawn.image, 4 * word)[0]
        data = changed(drawn.image, word, old ^ 1 << int(rng.integers(32)))
        found = ours(data, drawn.input_block, config)
        codes.add(found[0])
        assert agree(found, theirs(data, drawn.input_block, config)), (word, found)
    assert codes >= {"NONE", "OPERAND"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", cases(2))
def test_edges_of_fields(seed: int) -> None:
    """Each field of each instruction with values on both sides of its limits."""
    rng, config = np.random.default_rng([seed, 3]), random_config(seed)
    generator = Generator(rng, core_of(config), most=60)
    small, most = Conv(tokens=2, k=3, n=2), config.max_tokens
    for flags in (
        {"to_residual": 1, "sums": 1},
        {"row_max": 1, "in_unsigned": 1},
        {"add": 1, "add_factor": 3, "padded": 1, "in_width": 2, "in_height": 1, "row_tokens": 1},
        {"diagonal": 1, "maximum": 1},
        {"prologue": Prologue.EXPONENTIAL, "stationary": StationarySource.KEYS},
    ):
        assert generator.exactly(replace(small, **flags))
    limits = {"tokens": (0, most, most + 1), "row_tokens": (0, 1, 2, 3, most, most + 1)}
    drawn, edges = generator.finish(), EDGES | limits
    seen = set()
    for index, instruction in enumerate(drawn.assembler.program):
        for name, (word, low, width) in instruction.LAYOUT.items():
            place = HEADER_WORDS + layouts.WORDS * index + word
            old = struct.unpack_from("<I", drawn.image, 4 * place)[0]
            for value in edges.get(name, ()) or rng.choice([0, 1, 2, 3, (1 << width) - 1], 2):
                value = int(value) & (1 << width) - 1
                rest = old & ~((1 << width) - 1 << low)
                data = changed(drawn.image, place, rest | value << low)
                found = ours(data, drawn.input_block, config)
                seen.add((name, found[0]))
                assert agree(found, theirs(data, drawn.input_block, config)), (index, name, value, found)
    assert {(name, "OPERAND") for name in edges.keys() - UNLIMITED} <= seen


@pytest.mark.parametrize("seed", cases(6))
def test_windows_of_every_length(seed: int) -> None:
    """Lengths that end in a beat, at one, and far away: refused at the same instruction, or not at all."""
    rng, config = np.random.default_rng([seed, 4]), random_config(seed)
    drawn = Generator(rng, core_of(config)).draw(4)
    whole, beat = drawn.written.size, config.bus_bytes
    ends = np.flatnonzero(np.diff(drawn.written.astype(int), append=0) < 0) + 1
    sizes = {0, beat, whole - 1, whole, whole + 1, *(int(end) + d for end in ends for d in (-beat, -1, 0, 1))}
    found = {size: ours(drawn.image, drawn.input_block, config, size) for size in sizes}
    for size, outcome in found.items():
        assert agree(outcome, theirs(drawn.image, drawn.input_block, config, size)), (size, outcome)
    assert {name for name, _ in found.values()} == {"NONE", "WINDOW"}


def test_a_damaged_byte() -> None:
    config = random_config(0)
    drawn = Generator(np.random.default_rng(0), core_of(config)).draw(1)
    data = drawn.image[:100] + bytes([drawn.image[100] ^ 4]) + drawn.image[101:]
    assert ours(data, drawn.input_block, config) == ("CHECKSUM", None)
    assert theirs(data, drawn.input_block, config) == ("CHECKSUM", None)


@pytest.mark.parametrize("seed", range(6))
def test_the_core_refuses_the_same(seed: int) -> None:
    """Single bits of opcodes and flags, until one is refused."""
    config, rng = SHAPES["4x4"], np.random.default_rng([seed, 2])
    drawn = Generator(rng, core_of(config)).draw(4)
    found = (Code.NONE.name, None)
    while found[0] in (Code.NONE.name, "unsound"):
        word = HEADER_WORDS + layouts.WORDS * int(rng.integers(len(drawn.assembler.program)))
        old = struct.unpack_from("<I", drawn.image, 4 * word)[0]
        data = changed(drawn.image, word, old ^ 1 << int(rng.integers(32)))
        found = ours(data, drawn.input_block, config)
    compiled = Compiled(config, (), data, {"output": {"bytes": drawn.written.size}})
    (run,) = run_core(simulator("4x4"), compiled, [drawn.input_block], timeout_cycles=10**6).images
    assert (run.error.name, run.error_instruction) == found
