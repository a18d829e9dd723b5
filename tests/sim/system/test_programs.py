"""Programs that no network leads to, put together by hand, on whole cores."""

import numpy as np
import pytest

from pointwise.hw.contract.image import check
from pointwise.hw.contract.registers import Error
from pointwise.model.compiler import Compiled
from pointwise.model.emulator import Emulator
from pointwise.sim.system.run import run_core
from tests.independent.project import core_of
from tests.independent.reference.assembler import Assembler
from tests.independent.reference.fields import Base, Conv, Dma, Prologue, Space
from tests.independent.reference.stream import Operands
from tests.sim.system.cores import SHAPES, simulator


def outputs(shape: str, image: bytes, block: bytes) -> tuple[bytes, bytes]:
    """The output block of the core and of the emulator."""
    header = check(image, SHAPES[shape])
    compiled = Compiled(SHAPES[shape], (), image, {"output": {"bytes": header.output_bytes}})
    run = run_core(simulator(shape), compiled, [block], timeout_cycles=1_000_000)
    assert run.images[0].error is Error.NONE
    return run.outputs[0], Emulator(image, SHAPES[shape]).run(block)


@pytest.mark.parametrize("keys", [1029, 4096])
def test_softmax_over_the_most_channels(keys: int) -> None:
    """All scores are alike, so that every exponential is 255; values at both ends, and random ones."""
    core, rng = core_of(SHAPES["16x16"]), np.random.default_rng(keys)
    values = np.stack([np.full(keys, 127), np.full(keys, -128), rng.integers(-128, 128, keys)])
    zeros, ones = np.zeros(keys, int), np.ones(keys, int)
    program = Assembler(core)
    program.dma(Dma(base=Base.INPUT, rows=1, words=2))
    scores = Conv(
        tokens=2,
        k=1,
        n=keys,
        in_token_stride=1,
        out_base=2,
        out_token_stride=1,
        out_word_stride=2,
        row_max=1,
    )
    program.conv(scores, Operands(zeros, ones, ones, np.zeros((keys, 1), int)))
    average = Conv(
        tokens=2,
        k=keys,
        n=3,
        prologue=Prologue.EXPONENTIAL,
        in_base=2,
        in_token_stride=1,
        in_tile_stride=2,
        divide=1,
        to_residual=1,
        out_token_stride=1,
    )
    steps = Operands(np.zeros(3, int), np.full(3, 1 << 15), np.full(3, 15 + 5), values)
    steps.exponential_table = np.full(256, 255)
    program.conv(average, steps)
    program.dma(Dma(True, Space.RESIDUAL, Base.OUTPUT, rows=1, words=2))
    both = outputs("16x16", program.seal(), bytes(64))
    lanes, emulated = (np.frombuffer(block, "<i2").reshape(-1, 16)[:2, :3] for block in both)
    assert (lanes == emulated).all()
    # In steps of 1/128 of the values; the reciprocal errs by less than 3.5e-5.
    assert np.abs(lanes - 128 * values.mean(axis=1)).max() <= 128 * 128 * 3.5e-5 + 0.5 + 1e-9
