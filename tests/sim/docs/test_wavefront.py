"""The picture of the array, against an array; and the token with numbers, against the integer model."""

import re

import numpy as np
import pytest
from amaranth.sim import Simulator

from pointwise.hw.engine.array import SystolicArray
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import Input, Linear
from pointwise.sim.docs.walk import LAYER, TOKEN, walk
from pointwise.sim.docs.wavefront import CYCLES, SIZE, TILES, TOKENS, cell, load_cycle, swap_cycle

WEIGHTS = np.arange(1, 2 * SIZE * SIZE + 1).reshape(2, SIZE, SIZE)
START = 8
"""The cycle of the simulation in which the swap of tile A enters."""


def results(load_of_b: int) -> np.ndarray:
    """(tokens, SIZE) sums of both tiles' tokens, row 0 of tile B being offered in cycle ``load_of_b``."""
    array = SystolicArray(SIZE, SIZE)
    tokens = np.arange(1, 2 * TOKENS * SIZE + 1).reshape(2 * TOKENS, SIZE)
    loads = {r - SIZE: (0, r) for r in range(SIZE)} | {load_of_b + r: (1, r) for r in range(SIZE)}
    seen: list[list[int]] = []

    async def bench(context) -> None:
        for cycle in range(-START, 2 * TOKENS + array.latency):
            tile, r = loads.get(cycle, (0, 0))
            context.set(array.weights.row, cycle in loads)
            context.set(array.weights.index, r)
            context.set(array.weights.mask, (1 << SIZE) - 1)
            context.set(array.weights.data, [int(weight) for weight in np.roll(WEIGHTS[tile, r], r)])
            inside = 0 <= cycle < len(tokens)
            context.set(array.token, [int(value) for value in tokens[cycle]] if inside else [0] * SIZE)
            context.set(array.swap, inside and cycle % TOKENS == 0)
            if cycle >= array.latency:
                seen.append([context.get(array.result[c]) for c in range(SIZE)])
            await context.tick()

    simulator = Simulator(array)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return np.array(seen)


def exact() -> np.ndarray:
    tokens = np.arange(1, 2 * TOKENS * SIZE + 1).reshape(2, TOKENS, SIZE)
    return (tokens @ WEIGHTS).reshape(2 * TOKENS, SIZE)


def test_tiles_may_be_loaded_as_drawn_and_not_a_cycle_earlier() -> None:
    offered = load_cycle(0, 0, 0)
    assert offered == 1 and np.array_equal(results(offered), exact())
    assert not np.array_equal(results(offered - 1), exact())


def test_what_is_drawn_is_what_the_page_says() -> None:
    for r in range(SIZE):
        for c in range(SIZE):
            assert swap_cycle(0, r, c) == r + c + 1 and load_cycle(0, r, c) >= swap_cycle(0, r, c)
            # A token meets the weights of its tile, whatever the cycle.
            for cycle in CYCLES:
                held = cell(cycle, r, c)
                assert not held.token or held.token[0] == held.active.lower()
    assert cell(2, 0, 0).token == "a0" and cell(5, 0, 0).token == "b0"
    assert {cell(4, r, c).shadow for r in range(SIZE) for c in range(SIZE)} == {TILES[1]}


def test_the_token_with_numbers_is_that_of_the_integer_model() -> None:
    ops = (Input("x", shape=TOKEN.shape, dtype="int8"), LAYER)
    assert isinstance(LAYER, Linear)
    result = run(Graph("example", ops, LAYER.name), TOKEN)[LAYER.name][0]
    last = walk().splitlines()[-1]
    assert re.findall(r"\d+", last.split("|")[2]) == [str(value) for value in result]


@pytest.mark.parametrize("step", ["K-tile 0, summed down | 740, −1,528", "+ bias −300, 1,200 | 1,055, 8,487"])
def test_the_steps_are_told(step: str) -> None:
    assert step in walk()
