"""The emulator refuses what the core refuses, with the same code, and what is not sound in a sentence; and a
program that counts on an order which the core does not promise gives another result."""

import random
import struct
import zlib
from dataclasses import replace

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError, Refused
from pointwise.hw.contract.image import (
    HEADER_BYTES,
    HEADER_WORDS,
    TRAILER_BYTES,
    Header,
    align,
    seal,
    shape_word,
)
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Base, Conv, Dma, End, Instruction, Opcode, Space
from pointwise.hw.contract.legal import core_bounds
from pointwise.hw.contract.registers import Error
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.emulator import Emulator, Order
from tests.hw.contract.instructions import drawn, edges, encoded

CONFIG = CoreConfig(rows=2, cols=2, act_kib=4, res_kib=4)
NETWORK = random_network(
    0, Shape(tokens=6, inputs=5, dim=4, depth=1, heads=2, head_dim=3, hidden=8, classes=3)
)
COMPILED = compile_network(NETWORK, CONFIG)


def image_of(
    program: list[Instruction | bytes], config: CoreConfig, data: bytes = b"", **sizes: int
) -> bytes:
    """A sealed image of a program with ``data`` behind it."""
    code = b"".join(item if isinstance(item, bytes) else item.encode() for item in program)
    body = code + data.ljust(align(len(data)), b"\0")
    header = {"input_bytes": 64, "output_bytes": 64} | sizes
    return seal(
        Header(
            shape=shape_word(config),
            length=HEADER_BYTES + len(body) + TRAILER_BYTES,
            program_offset=HEADER_BYTES,
            program_length=len(program),
            max_tokens=1,
            act_words=1,
            res_words=1,
            **header,
        ).encode()
        + body
    )


def outcome(image: bytes, config: CoreConfig = CONFIG) -> tuple[Error, int | None]:
    """The code and the instruction with which the emulator refuses; NONE where it does not."""
    try:
        Emulator(image, config)
    except Refused as refused:
        return refused.error, refused.instruction
    except PointwiseError as error:
        assert "not sound" in str(error)
    return Error.NONE, None


def test_every_rule_at_its_ends():
    rng = random.Random(2)
    bounds = core_bounds(CONFIG)
    counts = {"convs": 0, "dmas": 0}
    before = []
    for opcode in (Opcode.LOAD, Opcode.STORE, Opcode.LOAD):
        fields = {"sram_base": 5, "sram_stride": 1, "rows": 2, "words": 3}
        before.append(replace(drawn(rng, opcode, bounds | counts), **fields))
        counts["dmas"] += 1
    for what, fields, good in edges(rng, bounds | counts):
        found = outcome(image_of([*before, encoded(fields), End()], CONFIG))
        if found[0] == Error.WINDOW and good:  # a legal stream that the image is too short for
            found = (Error.NONE, None)
        assert found == ((Error.NONE, None) if good else (Error.OPERAND, 3)), what


def test_every_bit_of_the_header():
    """What is not refused runs to the same result, or leaves the other program that the header names."""
    pixels = COMPILED.pack_input(random_image(NETWORK, 0))
    wanted = Emulator(COMPILED.image, CONFIG).run(pixels)
    words = struct.unpack("<16I", COMPILED.image[:HEADER_BYTES])
    codes = {"magic": Error.MAGIC, "version": Error.VERSION, "shape": Error.SHAPE, "length": Error.LENGTH}
    unlike = []
    for bit in range(8 * HEADER_BYTES):
        name, value = HEADER_WORDS[bit // 32], words[bit // 32] ^ 1 << bit % 32
        changed = list(words)
        changed[bit // 32] = value
        body = struct.pack("<16I", *changed) + COMPILED.image[HEADER_BYTES:-TRAILER_BYTES]
        image = body + struct.pack("<I", zlib.crc32(body)) + bytes(TRAILER_BYTES - 4)
        error, instruction = outcome(image)
        if name in codes or name.startswith("reserved"):
            assert (error, instruction) == (codes.get(name, Error.VERSION), None)
        elif name in ("max_tokens", "act_words", "res_words"):
            assert error == (Error.MEMORY if value > getattr(CONFIG, name) else Error.NONE)
        elif name in ("program_offset", "program_length"):
            offset, length = changed[4:6]
            inside = offset >= 64 and offset % 64 == 0 and length >= 1
            inside = inside and offset + 64 * length <= len(COMPILED.image) - TRAILER_BYTES
            assert inside or error == Error.LENGTH
        if error == Error.NONE and name not in ("input_bytes", "program_offset"):
            result = Emulator(image, CONFIG).run(pixels) if name != "output_bytes" else wanted
            if result != wanted:
                unlike.append((name, bit % 32))
    assert unlike == []


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (Conv, {"tokens": 0}, "tokens = 0; expected 1..256"),
        (Conv, {"tokens": 999}, "tokens = 999"),
        (Conv, {"k": 4097}, "k = 4097; expected 1..4096"),
        (Conv, {"wait_conv": 5}, "wait_conv = 5; expected 0,"),
        (Conv, {"in_base": 1 << 20}, "streams word .* of the activation SRAM"),
        (Conv, {"stream_beats": 1}, "a stream of 1 beats, 16 bytes, but"),
        (
            Conv,
            {"stream_offset": 1 << 30},
            "instruction .: the stream of a CONV reaches byte .* of the image",
        ),
        (Dma, {"words": 9999}, "moves word .* of the"),
        (Dma, {"dram_offset": 1 << 20}, "instruction 0: a LOAD reaches byte .* of the input"),
    ],
)
def test_unsound_programs_are_told(kind: type, changes: dict, message: str):
    program = [line.instruction for line in COMPILED.program]
    index = next(i for i, instruction in enumerate(program) if isinstance(instruction, kind))
    body = bytearray(COMPILED.image[:-TRAILER_BYTES])
    first = HEADER_BYTES + index * INSTRUCTION_BYTES
    body[first : first + INSTRUCTION_BYTES] = replace(program[index], **changes).encode()
    with pytest.raises(PointwiseError, match=message):
        Emulator(seal(bytes(body)), CONFIG).run(COMPILED.pack_input(random_image(NETWORK, 0)))


def test_a_program_without_end_is_told():
    load = Dma(False, Space.ACTIVATION, Base.INPUT, 0, 0, 0, 0, 1, 1)
    assert outcome(image_of([load, load], CONFIG)) == (Error.PROGRAM, 1)


def test_damaged_instructions_end_in_a_sentence():
    """Any bytes of a program changed, with the checksum made right again."""
    rng = random.Random(3)
    pixels = COMPILED.pack_input(random_image(NETWORK, 0))
    ends = set()
    for _ in range(300):
        body = bytearray(COMPILED.image[:-TRAILER_BYTES])
        for _ in range(rng.choice((1, 1, 2, 8))):
            place = HEADER_BYTES + rng.randrange(len(COMPILED.program) * INSTRUCTION_BYTES)
            body[place] ^= 1 << rng.randrange(8)
        try:
            Emulator(seal(bytes(body)), CONFIG).run(pixels, rng.choice(list(Order)))
            ends.add("ran")
        except PointwiseError as error:
            ends.add(type(error))
    assert ends == {"ran", Refused, PointwiseError}
