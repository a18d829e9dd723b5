"""What random cases draw, and that programs that are planned for less memory compute the same."""

import numpy as np
import pytest

from pointwise.hw.contract.isa import Dma
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.shapes import random_config
from pointwise.model.emulator.emulator import Order
from pointwise.model.graph.ops import Conv2d
from pointwise.sim.fuzz import drawn_plan
from tests.model.emulator.test_emulator import differences

CORES = 6


@pytest.mark.parametrize("part", range(4))
def test_programs_for_less_memory(part: int) -> None:
    for seed in range(part, 60, 4):
        config = random_config(seed % CORES)
        network, plans = drawn_plan(seed, config)
        if plans is None:
            continue
        compiled = compile_network(network, config, trace=True, plans=plans)
        order = list(Order)[seed % len(Order)]
        assert differences(compiled, network, seed, order) == [], f"seed {seed}, {order}"


def test_half_of_all_cases_are_planned_for_less() -> None:
    """Pictures and tokens wait in DRAM in some; every other case is planned as usual."""
    usual, stored = 0, {True: 0, False: 0}
    for seed in range(60):
        config = random_config(seed % CORES)
        network, plans = drawn_plan(seed, config)
        usual += plans is None
        if plans is not None:
            lines = compile_network(network, config, plans=plans).program
            pictures = any(isinstance(op, Conv2d) for op in network.ops)
            stores = sum(isinstance(line.instruction, Dma) and line.instruction.store for line in lines)
            stored[pictures] += stores > 1
    assert 20 < usual < 40
    assert stored[True] >= 5 and stored[False] >= 1


def test_the_same_seed_draws_the_same() -> None:
    one, other = (drawn_plan(151, random_config(151 % CORES)) for _ in range(2))
    assert one[0].name == other[0].name and len(one[0]) == len(other[0])
    assert one[1] is not None and other[1] is not None
    config = random_config(151 % CORES)
    first, second = one[1][config], other[1][config]
    assert first[1].order == second[1].order and first[1].places == second[1].places
    assert np.all([buffer.tokens for buffer in first[1].graph.buffers])
