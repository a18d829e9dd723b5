"""A core stays in its windows: programs that leave them, by a beat or by gigabytes, and small windows."""

import pytest

from pointwise.hw.contract.image import HEADER_BYTES, Header, align, seal
from pointwise.hw.contract.isa import Base, Conv, Dma, End, Space
from pointwise.hw.contract.registers import Error
from pointwise.model.compiler import Compiled, compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.graph import run
from pointwise.sim.system.run import CoreRun, run_core
from tests.sim.system.cores import SHAPES, simulator

SHAPE, SEED = "4x4", 2
CONFIG = SHAPES[SHAPE]
CYCLES = 200_000
PAGE = 4096
STALLS = {f"stall_{channel}": 400 for channel in ("ar", "r", "aw", "w", "b")}


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_network(random_network(SEED), CONFIG)


def block(compiled: Compiled) -> bytes:
    return compiled.pack_input(random_image(random_network(SEED), SEED))


def run_case(compiled: Compiled, starts: int = 1, **options: object) -> CoreRun:
    """Start the core on inputs that are all the same."""
    blocks = [block(compiled)] * starts
    return run_core(simulator(SHAPE), compiled, blocks, timeout_cycles=CYCLES, **options)


def image_of(program: list[Conv | Dma | End], compiled: Compiled) -> bytes:
    """A program and nothing else, as long as the image of ``compiled``."""
    header = Header.decode(compiled.image)
    words = {"program_offset": HEADER_BYTES, "program_length": len(program)}
    header = Header(**(vars(header) | words))
    code = header.encode() + b"".join(instruction.encode() for instruction in program)
    return seal(code.ljust(header.length - 64, b"\0"))


def places(compiled: Compiled, starts: int = 1) -> dict[Base, int]:
    """Where ``run_core`` puts the windows of the first start."""
    first_input = align(len(compiled.image), PAGE)
    first_output = first_input + starts * align(len(block(compiled)), PAGE)
    return {Base.IMAGE: 0, Base.INPUT: first_input, Base.OUTPUT: first_output}


def sizes(compiled: Compiled) -> dict[Base, int]:
    return {
        Base.IMAGE: len(compiled.image),
        Base.INPUT: len(block(compiled)),
        Base.OUTPUT: compiled.manifest["output"]["bytes"],
    }


def dma(store: bool, base: Base, offset: int, *, rows: int = 1, words: int = 1, stride: int = 64) -> Dma:
    return Dma(store, Space.ACTIVATION, base, offset, stride, 0, words, rows, words)


WORD = CONFIG.act_word_bytes
BEAT = CONFIG.bus_bytes
OUTSIDE = [
    (Base.INPUT, lambda size: dma(False, Base.INPUT, size)),
    (Base.INPUT, lambda size: dma(False, Base.INPUT, size - 64, words=64 // WORD + 1)),
    (Base.IMAGE, lambda size: dma(False, Base.IMAGE, size)),
    (Base.OUTPUT, lambda size: dma(False, Base.OUTPUT, 0xFFFFFFC0)),
    (Base.OUTPUT, lambda size: dma(True, Base.OUTPUT, size)),
    (Base.OUTPUT, lambda size: dma(True, Base.OUTPUT, size - 64, words=64 // WORD + 1)),
    (Base.OUTPUT, lambda size: dma(True, Base.OUTPUT, 0, words=65535)),
    (Base.IMAGE, lambda size: dma(True, Base.IMAGE, 0)),
    (Base.INPUT, lambda size: dma(True, Base.INPUT, 0)),
]
"""By a beat, by much, and what may be read but not written."""


@pytest.mark.parametrize("number", range(len(OUTSIDE)))
def test_a_row_outside_is_refused_and_told(compiled: Compiled, number: int) -> None:
    base, make = OUTSIDE[number]
    bad = make(sizes(compiled)[base])
    program = [dma(False, Base.INPUT, 0), dma(True, Base.OUTPUT, 0), bad, dma(True, Base.OUTPUT, 0), End()]
    (outcome,) = run_case(compiled, image=image_of(program, compiled)).images
    assert (outcome.error, outcome.error_instruction) == (Error.WINDOW, 2)
    assert outcome.error_address == (places(compiled)[base] + bad.dram_offset) & 0xFFFFFFFF
    assert sum(outcome.causes.values()) == outcome.cycles


@pytest.mark.parametrize("store", [False, True])
def test_the_first_row_outside_is_told(compiled: Compiled, store: bool) -> None:
    """Of some rows the first lie inside, and past 32 bits others would again."""
    base = Base.OUTPUT if store else Base.INPUT
    size, first = sizes(compiled)[base], places(compiled)[base]
    for bad, row in (
        (dma(store, base, 0, rows=12), size // 64),
        (dma(store, base, 0, rows=5, stride=1 << 31), 1),
        (dma(store, base, 0, rows=5, stride=0), None),
    ):
        program = [dma(False, Base.INPUT, 0), bad, End()]
        (outcome,) = run_case(compiled, image=image_of(program, compiled)).images
        if row is None:
            assert outcome.error == Error.NONE
        else:
            assert (outcome.error, outcome.error_instruction) == (Error.WINDOW, 1)
            assert outcome.error_address == first + bad.dram_offset + row * bad.dram_stride


@pytest.mark.parametrize(("offset", "beats"), [(0, 0), (0, 1), (64, 0), (0, 1 << 24), (0xFFFFFFC0, 0)])
def test_a_stream_outside_is_refused_and_told(compiled: Compiled, offset: int, beats: int) -> None:
    """It ends so many beats behind the last that may be read."""
    end = len(compiled.image)
    place = end - 64 + offset if offset < end else offset
    conv = Conv(1, 1, 1, 0, 1, 0, 1, stream_offset=place, stream_beats=64 // BEAT + beats)
    program = [dma(False, Base.INPUT, 0), conv, dma(True, Base.OUTPUT, 0), End()]
    (outcome,) = run_case(compiled, image=image_of(program, compiled), watchdog=2000).images
    if (offset, beats) == (0, 0):
        assert outcome.error is Error.NONE
    else:
        assert (outcome.error, outcome.error_instruction) == (Error.WINDOW, 1)
        assert outcome.error_address == place


@pytest.mark.parametrize("stalls", [{}, STALLS], ids=["swift", "stalled"])
def test_after_a_refusal_the_next_start_is_right(compiled: Compiled, stalls: dict[str, int]) -> None:
    """A window a beat too small for the network ends the run; the next run is as if nothing had been."""
    for short in ("input_bytes", "output_bytes"):
        base = Base.INPUT if short == "input_bytes" else Base.OUTPUT
        needed = last_byte(compiled, base)
        (outcome,) = run_case(compiled, plusargs={"latency": 9, **stalls}, **{short: needed - 1}).images
        assert outcome.error is Error.WINDOW
        good = run_case(compiled, plusargs={"latency": 9, **stalls}, **{short: needed})
        assert good.images[0].error is Error.NONE
        network = random_network(SEED)
        expected = run(network, random_image(network, SEED))[network.output]
        assert (compiled.read_output(good.outputs[0])[network.output] == expected).all()


def last_byte(compiled: Compiled, base: Base) -> int:
    """How much of a window the program of ``compiled`` uses, in whole beats."""
    end = 0
    for line in compiled.manifest["instructions"]:
        fields = line.get("fields", {})
        if line["opcode"] in ("LOAD", "STORE") and fields["base"] == base.name:
            word = WORD * (2 if fields["space"] == Space.RESIDUAL.name else 1)
            row = fields["dram_offset"] + (fields["rows"] - 1) * fields["dram_stride"]
            end = max(end, row + align(fields["words"] * word, BEAT))
    return end


@pytest.mark.parametrize("size", [0, 63, 64])
def test_an_image_too_short_for_its_header_is_not_read(compiled: Compiled, size: int) -> None:
    (outcome,) = run_case(compiled, image_bytes=size).images
    assert outcome.error is Error.LENGTH
    assert (outcome.error_address, outcome.error_instruction, outcome.cycles) == (0, 0, 0)
