"""Estimates against the cores as they are now: a change of the hardware's timing shows here."""

import numpy as np
import pytest

from pointwise.hw.contract.isa import Dma
from pointwise.hw.contract.registers import Cause
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.estimate import Memory, simulate
from pointwise.sim.system.run import run_core
from tests.model.compiler.test_offload import residual
from tests.sim.system.cores import SHAPES, simulator

START = 48
"""Cycles by which the order of the first bursts may move a run, beside half a per cent of it."""


@pytest.mark.parametrize("seed", (200, 204))
@pytest.mark.parametrize("shape", ("1x1", "3x6", "4x4"))
def test_estimates_agree_with_hardware(shape: str, seed: int) -> None:
    network, config = random_network(seed), SHAPES[shape]
    compiled = compile_network(network, config)
    program = [line.instruction for line in compiled.program]
    block = compiled.pack_input(random_image(network, seed))
    for latency in (1, 40):
        seen = run_core(simulator(shape), compiled, [block], plusargs={"latency": latency}).images[0]
        found = simulate(program, config, Memory(latency))
        where = f"core {shape}, seed {seed}, latency {latency}: {found} instead of {seen}"
        assert abs(found.cycles - seen.cycles) <= 0.005 * seen.cycles + START, where
        assert found.causes[Cause.STREAM] == seen.causes[Cause.STREAM], where


@pytest.mark.slow
def test_pictures_that_wait_in_dram() -> None:
    """STOREs beside convolutions, which go first at each bank: without that it would be 2.9 % too fast."""
    network, config = residual((64, 32), 12), SHAPES["4x4"]
    compiled = compile_network(network, config)
    program = [line.instruction for line in compiled.program]
    assert sum(isinstance(instruction, Dma) and instruction.store for instruction in program) > 20
    block = compiled.pack_input(np.zeros(network.input.shape, np.int8))
    (seen,) = run_core(
        simulator("4x4"), compiled, [block], plusargs={"latency": 40}, timeout_cycles=10_000_000
    ).images
    found = simulate(program, config, Memory(40))
    assert abs(found.cycles - seen.cycles) <= 0.015 * seen.cycles, (found, seen)
    assert found.causes[Cause.STREAM] == seen.causes[Cause.STREAM]
