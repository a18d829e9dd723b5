"""Convolutions over pictures on whole cores: every word of both memories as the emulator has it."""

import numpy as np
import pytest

from pointwise.hw.contract.image import align, check
from pointwise.hw.contract.registers import Error
from pointwise.model.compiler import Compiled
from pointwise.model.emulator import Emulator
from pointwise.sim.system.run import run_core
from tests.sim.system.cores import SHAPES, simulator
from tests.sim.system.random_pictures import random_program

COUNT = 40


@pytest.mark.parametrize("stall", [0, 300])
@pytest.mark.parametrize("shape", SHAPES)
def test_random_pictures(shape: str, stall: int) -> None:
    config, rng = SHAPES[shape], np.random.default_rng([*shape.encode(), stall])
    image = random_program(rng, config, COUNT)
    header = check(image, config)
    block = rng.bytes(header.input_bytes)
    expected = Emulator(image, config).run(block)
    compiled = Compiled(config, (), image, {"output": {"bytes": header.output_bytes}})
    stalls = {f"stall_{channel}": stall for channel in ("ar", "r", "aw", "w", "b")}
    run = run_core(simulator(shape), compiled, [block], timeout_cycles=3_000_000, plusargs=stalls)
    assert run.images[0].error is Error.NONE
    found, wanted = (np.frombuffer(block, np.uint8) for block in (run.outputs[0], expected))
    differing = np.flatnonzero(found != wanted)
    act = config.act_words * config.act_word_bytes  # between the memories there is what nobody writes
    differing = differing[(differing < act) | (differing >= align(act))]
    assert not differing.size, f"{differing.size} bytes differ, the first at {differing[0]}"
