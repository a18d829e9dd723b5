"""A clear: what a run has left in the memories cannot be read by the next; and its cycles."""

import random
from dataclasses import replace

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES, Header, seal, shape_word
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Base, Conv, Dma, End, Prologue, Space
from pointwise.hw.contract.registers import Cause
from pointwise.hw.contract.stream import PLANE_MULT, PLANE_SHIFT, PLANES, stream_bytes, table_rows
from pointwise.hw.contract.timing import Timing
from pointwise.model.emulator import Emulator
from pointwise.sim.hostile.programs import CONFIG
from pointwise.sim.hostile.simulated import STALLS, WATCHDOG
from pointwise.sim.system.turns import DONE, Memory, Turn, play
from tests.sim.system.cores import SHAPES

WIDTH = CONFIG.rows
"""Channels in and out of all convolutions here: a tile."""
TOKENS = CONFIG.max_tokens
ACT_BYTES = CONFIG.act_words * CONFIG.act_word_bytes
MEMORY = ACT_BYTES + CONFIG.res_words * CONFIG.res_word_bytes
"""Bytes of both memories."""
PART = TOKENS * CONFIG.act_word_bytes
"""Bytes of a convolution's results."""


class Program:
    """Instructions each of which waits for all before it, and the streams of its convolutions."""

    def __init__(self) -> None:
        self.instructions: list[Conv | Dma] = []
        self.convs = self.dmas = 0

    def dma(self, store: bool, space: Space, offset: int, sram: int, words: int) -> None:
        base = Base.OUTPUT if store else Base.INPUT
        waits = {"wait_conv": self.convs, "wait_dma": self.dmas}
        self.instructions.append(Dma(store, space, base, offset, 0, sram, 0, 1, words, **waits))
        self.dmas += 1

    def conv(self, source: int, target: int, **flags: object) -> None:
        """An identity over all tokens, a word each."""
        waits = {"wait_conv": self.convs, "wait_dma": self.dmas}
        conv = Conv(TOKENS, WIDTH, WIDTH, source, 1, target, 1, 0, 1, **waits, **flags)
        beats = stream_bytes(conv, CONFIG) // CONFIG.bus_bytes
        self.instructions.append(replace(conv, stream_beats=beats))
        self.convs += 1

    def image(self) -> bytes:
        offset = HEADER_BYTES + (len(self.instructions) + 1) * INSTRUCTION_BYTES
        code, data = [], []
        for instruction in self.instructions:
            if isinstance(instruction, Conv):
                data.append(identity(instruction))
                instruction = replace(instruction, stream_offset=offset)
                offset += len(data[-1])
            code.append(instruction.encode())
        header = Header(
            shape=shape_word(CONFIG),
            length=offset + TRAILER_BYTES,
            program_offset=HEADER_BYTES,
            program_length=len(code) + 1,
            max_tokens=TOKENS,
            act_words=CONFIG.act_words,
            res_words=CONFIG.res_words,
            input_bytes=MEMORY,
            output_bytes=MEMORY + 3 * PART,
        )
        return seal(header.encode() + b"".join([*code, End().encode(), *data]))


def identity(conv: Conv) -> bytes:
    """The stream of weights that are 1 on the diagonal, multiplied by 1; the table of exponentials falls."""
    rows = bytearray(stream_bytes(conv, CONFIG))
    first = 0
    if conv.prologue == Prologue.EXPONENTIAL:
        for index in range(256):
            rows[index] = 127 - index // 2
        first = table_rows(CONFIG) * CONFIG.row_bytes
    for channel in range(WIDTH):
        rows[first + (PLANE_MULT + 1) * CONFIG.row_bytes + channel] = 0x80
        rows[first + PLANE_SHIFT * CONFIG.row_bytes + channel] = 15
        rows[first + (PLANES + channel) * CONFIG.row_bytes + channel] = 1
    return bytes(rows)


def secret() -> bytes:
    """Fills both memories, the statistics of all tokens and both sets of row maxima from its input."""
    program = Program()
    program.dma(False, Space.ACTIVATION, 0, 0, CONFIG.act_words)
    program.dma(False, Space.RESIDUAL, ACT_BYTES, 0, CONFIG.res_words)
    constants = {"mean_mult": 32768, "mean_shift": 17, "norm_mult": 40000, "norm_shift": 8, "epsilon": 1}
    program.conv(0, 0, to_residual=True, sums=True, **constants)
    for slot in (0, 1):
        program.conv(TOKENS, 2 * TOKENS, row_max=True, max_slot=slot)
    return program.image()


def probe() -> bytes:
    """Stores all of both memories, and what it finds out about statistics and row maxima it never wrote."""
    program = Program()
    program.dma(True, Space.ACTIVATION, 0, 0, CONFIG.act_words)
    program.dma(True, Space.RESIDUAL, ACT_BYTES, 0, CONFIG.res_words)
    program.dma(False, Space.RESIDUAL, 0, 0, TOKENS)
    program.dma(False, Space.ACTIVATION, 0, 0, TOKENS)
    program.conv(0, TOKENS, prologue=Prologue.NORMALISE)
    for slot in (0, 1):
        program.conv(0, (2 + slot) * TOKENS, prologue=Prologue.EXPONENTIAL, max_slot=slot)
    for part in range(3):
        program.dma(True, Space.ACTIVATION, MEMORY + part * PART, (1 + part) * TOKENS, TOKENS)
    return program.image()


@pytest.fixture(scope="module")
def played() -> tuple[list[dict], list[bytes], bytes]:
    """Registers and outputs of: a secret, a probe; a secret, a clear, a probe; another one, the same."""
    rng = random.Random(1)
    memory, turns, outputs = Memory(), [], []
    images = [memory.place(secret()), memory.place(probe())]
    question = rng.randbytes(MEMORY)
    size = Header.decode(probe()).output_bytes
    for clear in (False, True, True):
        for image, block in zip(images, (rng.randbytes(MEMORY), question), strict=True):
            outputs.append(memory.place(bytes(size)))
            turns.append(Turn((image, memory.place(block), outputs[-1])))
            if clear and image == images[0]:
                turns.append(Turn(None))
    results, after = play(CONFIG, turns, memory, STALLS, seed=1, watchdog=WATCHDOG)
    return results, [after[first : first + length] for first, length in outputs], question


def test_all_runs_and_clears_end_well(played) -> None:
    results, *_ = played
    assert [seen["STATUS"] for seen in results] == [DONE] * 8
    for clear in (results[3], results[6]):
        assert clear["CYCLES"] == clear["causes"][Cause.IDLE] == Timing(CONFIG).clear > WATCHDOG
        assert not any(clear[name] for name in ("CHECK_CYCLES", "ERROR_ADDRESS", "ERROR_INSTRUCTION"))


def test_without_a_clear_the_next_program_reads_what_was_left(played) -> None:
    _, (_, found, _, cleared, *_), _ = played
    assert found[:MEMORY].count(0) < MEMORY // 8
    parts = range(MEMORY, len(found), PART)
    assert all(found[part : part + PART] != cleared[part : part + PART] for part in parts)


def test_after_a_clear_it_reads_zeros(played) -> None:
    _, (_, _, _, first, _, second), question = played
    assert first[:MEMORY] == bytes(MEMORY)
    assert first == second
    for seed in range(2):
        assert Emulator(probe(), CONFIG, seed).run(question, cleared=True) == first


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["1x1", "3x6"])
def test_a_clear_takes_its_cycles(shape: str) -> None:
    """Whatever was there: two in a row, in cores of other words, banks and tokens."""
    config: CoreConfig = SHAPES[shape]
    memory = Memory()
    memory.place(b"")
    results, _ = play(config, [Turn(None), Turn(None)], memory, {}, seed=1, watchdog=WATCHDOG)
    assert [(seen["STATUS"], seen["CYCLES"]) for seen in results] == [(DONE, Timing(config).clear)] * 2
