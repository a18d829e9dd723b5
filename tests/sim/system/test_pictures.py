"""Convolutions over pictures on whole cores: every word of both memories as the emulator has it."""

import numpy as np
import pytest

from pointwise.hw.contract.image import align, check
from pointwise.hw.contract.registers import Error
from pointwise.model.compiler import Compiled, compile_network
from pointwise.model.compiler.random_network import random_image
from pointwise.model.emulator import Emulator
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import Input, Linear, MaxPool
from pointwise.model.graph.window import Window
from pointwise.sim.system.run import run_core
from tests.sim.system.cores import FEW, SHAPES, simulator
from tests.sim.system.random_pictures import random_program
from tests.slow import few

COUNT = 40


@pytest.mark.parametrize("stall", [0, 300])
@pytest.mark.parametrize("shape", few(SHAPES, FEW))
def test_random_pictures(shape: str, stall: int) -> None:
    config, rng = SHAPES[shape], np.random.default_rng([*shape.encode(), stall])
    image = random_program(rng, config, COUNT)
    header = check(image, config)
    block = rng.bytes(header.input_bytes)
    expected = Emulator(image, config).run(block)
    compiled = Compiled(config, (), image, {"output": {"bytes": header.output_bytes}})
    stalls = {f"stall_{channel}": stall for channel in ("ar", "r", "aw", "w", "b")}
    made = run_core(simulator(shape), compiled, [block], timeout_cycles=3_000_000, plusargs=stalls)
    assert made.images[0].error is Error.NONE
    found, wanted = (np.frombuffer(block, np.uint8) for block in (made.outputs[0], expected))
    differing = np.flatnonzero(found != wanted)
    act = config.act_words * config.act_word_bytes  # between the memories there is what nobody writes
    differing = differing[(differing < act) | (differing >= align(act))]
    assert not differing.size, f"{differing.size} bytes differ, the first at {differing[0]}"


def test_a_maximum_is_quicker_than_the_memory_that_brings_its_picture() -> None:
    """An instruction for each word of channels, behind one LOAD that brings a row for each of them."""
    window, rng = Window((5, 8), (1, 1)), np.random.default_rng(7)
    weight = rng.integers(-128, 128, (12, 12), dtype=np.int8)
    factors = {"bias": np.zeros(12, int), "mult": np.full(12, 40000), "shift": np.full(12, 26)}
    pool = MaxPool("pool", ("image",), window=window)
    head = Linear("head", ("pool",), weight=weight, dtype="int16", **factors)
    network = Graph("net", (Input("image", shape=(40, 12)), pool, head), "head")
    compiled, image = compile_network(network, SHAPES["3x6"], trace=True), random_image(network, 3)
    made = run_core(simulator("3x6"), compiled, [compiled.pack_input(image)], plusargs={"stall_r": 900})
    wanted = run(network, image)
    for name, found in compiled.read_output(made.outputs[0]).items():
        assert np.array_equal(found, wanted[name]), name
