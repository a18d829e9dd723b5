"""Whole cores on random networks whose sizes are multiples of nothing, every tensor compared."""

import pytest
from tests.sim.system.cores import SHAPES, random_case, run_network, simulator

from hw.contract.registers import Cause
from model.compiler.random_network import random_image
from sim.system.run import run_core

SEEDS = {"1x1": (4,), "2x2": (1, 2), "3x6": (5, 6), "16x16": (7, 8, 9, 10)}
"""Networks for each core; (11, 12, 13) for the others."""


@pytest.mark.parametrize("shape", SHAPES)
def test_random_networks(shape: str) -> None:
    for seed in SEEDS.get(shape, (11, 12, 13)):
        network, compiled = random_case(shape, seed)
        mismatches, _ = run_network(shape, network, compiled, seed)
        assert not mismatches, f"core {shape}, seed {seed}: {mismatches[0]}"


def test_every_cycle_has_one_cause() -> None:
    network, compiled = random_case("4x4", 3, trace=False)
    block = compiled.pack_input(random_image(network, 3))
    images = run_core(simulator("4x4"), compiled, [block, block]).images
    for image in images:
        assert sum(image.causes.values()) == image.cycles
        assert image.causes[Cause.STREAM] > 0
    # The second start finds the image checked already, and is otherwise the same.
    assert images[0].check_cycles > images[1].check_cycles == 0
    assert images[0].cycles == images[1].cycles
