"""Whole cores on random networks whose sizes are multiples of nothing, every tensor compared."""

import pytest

from pointwise.hw.contract.registers import Cause
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.graph.ops import Conv2d
from pointwise.sim.fuzz import drawn_network, random_memory, run_case, run_network
from pointwise.sim.system.run import run_core
from tests.sim.system.cores import FEW, SHAPES, simulator
from tests.slow import few

SEEDS = {"1x1": (4,), "2x2": (1, 2), "3x6": (5, 6), "16x16": (7, 8, 9, 10)}
"""Networks for each core; (11, 12, 13) for the others."""


@pytest.mark.parametrize("shape", few(SHAPES, FEW))
def test_random_networks(shape: str) -> None:
    for seed in SEEDS.get(shape, (11, 12, 13)):
        outcome = run_network(
            simulator(shape), SHAPES[shape], random_network(seed), seed, random_memory(seed)
        )
        assert not outcome.mismatches, f"core {shape}, seed {seed}: {outcome.mismatches[0]}"


@pytest.mark.parametrize("seed", few(range(6), range(4, 6)))
def test_fuzz(seed: int) -> None:
    outcome = run_case(seed, cores=2)
    assert not outcome.mismatches, f"repeat with: pointwise fuzz --cases 1 --cores 2 --seed {seed}"


def test_fuzz_draws_networks_of_tokens_and_of_pictures() -> None:
    """Among those of ``test_fuzz`` already."""
    drawn = [any(isinstance(op, Conv2d) for op in drawn_network(seed).ops) for seed in range(6)]
    assert any(drawn) and not all(drawn)


def test_every_cycle_has_one_cause() -> None:
    network = random_network(3)
    compiled = compile_network(network, SHAPES["4x4"])
    block = compiled.pack_input(random_image(network, 3))
    images = run_core(simulator("4x4"), compiled, [block, block]).images
    for image in images:
        assert sum(image.causes.values()) == image.cycles
        assert image.causes[Cause.STREAM] > 0
    # The second start finds the image checked already, and is otherwise the same.
    assert images[0].check_cycles > images[1].check_cycles == 0
    assert images[0].cycles == images[1].cycles


CYCLES = {"1x1": 116362, "4x4": 9967, "3x6": 8348}
"""What network 3 takes. A change of the hardware that costs a cycle says so here."""


@pytest.mark.parametrize("shape", CYCLES)
def test_a_network_takes_the_cycles_that_it_took(shape: str) -> None:
    network = random_network(3)
    compiled = compile_network(network, SHAPES[shape])
    (image,) = run_core(simulator(shape), compiled, [compiled.pack_input(random_image(network, 3))]).images
    assert image.cycles == CYCLES[shape]
