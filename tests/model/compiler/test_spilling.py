"""Orders with LOADs and STOREs in them: never more alive than there is room, and all bits as without."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, Dma, Space, StationarySource
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.analysis import analyse
from pointwise.model.compiler.lifetimes import lifetimes
from pointwise.model.compiler.lowering import Graph, lower
from pointwise.model.compiler.memory_sizing import plan
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.schedule import demand_order
from pointwise.model.compiler.shapes import Shape
from pointwise.model.compiler.spilling import Spilled, least_room, spill
from pointwise.model.emulator import Order
from tests.model.emulator.test_emulator import differences
from tests.slow import few

CONFIG = CoreConfig(rows=4, cols=4, max_tokens=32, act_kib=32, act_banks=2, res_kib=8)
SHAPE = Shape(tokens=27, inputs=30, dim=40, depth=2, heads=3, head_dim=8, hidden=64, classes=5)


def graph_of(seed: int, slices: int = 1, shape: Shape = SHAPE) -> tuple[Graph, list[int]]:
    """Steps on demand; of a residual stream that is cut, what attention reads comes back for each slice."""
    analysis = analyse(random_network(seed, shape), CONFIG)
    graph = lower(analysis, CONFIG, {analysis.residual: slices})
    return graph, demand_order(graph)


def steps_of(spilled: Spilled | None) -> tuple[Graph, list[int]]:
    assert spilled is not None
    graph = spilled.graph()
    order = list(range(len(graph.steps)))
    assert spilled.alive == lifetimes(graph, order)
    assert set(spilled.apart) == set(graph.apart)
    return graph, order


def alive(graph: Graph, order: list[int], space: Space) -> int:
    """The most words in use at once, each buffer from its first step to its last."""
    last = {b: position for position, index in enumerate(order) for b in graph.steps[index].touched}
    first = {b: p for p, i in reversed(list(enumerate(order))) for b in graph.steps[i].touched}
    words = np.zeros(len(order), int)
    for buffer, begin in first.items():
        if graph.buffers[buffer].space == space:
            words[begin : last[buffer] + 1] += graph.buffers[buffer].words
    return int(words.max())


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("spare", [1.0, 1.3])
@pytest.mark.parametrize("slices", [1, 3])
def test_no_more_is_alive_than_there_is_room(seed: int, spare: float, slices: int):
    graph, order = graph_of(seed, slices)
    room = {space: int(words * spare) for space, words in least_room(graph, order).items()}
    spilled, new_order = steps_of(spill(graph, order, room))
    for space in Space:
        assert alive(spilled, new_order, space) <= room[space]
    # All convolutions, in the order in which they were, on buffers of the same tensors.
    assert [graph.steps[i].node for i in order if graph.steps[i].node] == [
        spilled.steps[i].node for i in new_order if spilled.steps[i].node
    ]
    stored, changed, here = set(), set(), {}
    for index in new_order:
        step = spilled.steps[index]
        if step.node is not None:
            changed.add(spilled.buffers[step.output.buffer].origin)
        for buffer in step.touched:
            origin = spilled.buffers[buffer].origin
            assert here.get(origin, -1) <= buffer, "a buffer came back to life"
            fresh = here.get(origin) != buffer
            here[origin] = buffer
            if step.node is not None and fresh:
                assert step.output.buffer == buffer, "a convolution reads what nobody has loaded"
        if step.store:
            origin = spilled.buffers[step.output.buffer].origin
            assert origin in changed, "what is stored lies in DRAM already"
            changed.remove(origin)
            stored.add(origin)
        elif step.spilled:
            assert spilled.buffers[step.output.buffer].origin in stored


def test_less_than_the_least_is_refused():
    graph, order = graph_of(0)
    least = least_room(graph, order)
    assert spill(graph, order, least) is not None
    for space in Space:
        assert spill(graph, order, least | {space: least[space] - 1}) is None


def test_two_buffers_that_are_streamed_as_one_are_both_needed():
    """The least room holds the heads of a context together, be they but two."""
    graph, order = graph_of(0, shape=replace(SHAPE, heads=2))
    assert any(len(step.streamed) == 2 for step in graph.steps)
    least = least_room(graph, order)
    spilled, new_order = steps_of(spill(graph, order, least))
    for space in Space:
        assert alive(spilled, new_order, space) <= least[space]


def test_with_room_for_all_nothing_is_stored():
    graph, order = graph_of(1)
    spilled, new_order = steps_of(spill(graph, order, dict.fromkeys(Space, 1 << 20)))
    assert not any(step.store or step.spilled for step in spilled.steps)
    assert len(new_order) == len(order)


TIGHT = {
    "residual stream in DRAM": {"act_kib": 12, "res_kib": 1},
    "activations in DRAM": {"act_kib": 1, "res_kib": 8},
    "both": {"act_kib": 2, "res_kib": 1},
}


@pytest.mark.parametrize("name", TIGHT)
@pytest.mark.parametrize("seed", few(range(2), (1,)))
def test_bits_are_those_of_the_integer_model_in_every_order(name: str, seed: int):
    config = replace(CONFIG, **TIGHT[name])
    network = random_network(seed, SHAPE)
    for trace in (False, True):
        compiled = compile_network(network, config, trace=trace)
        names = {line.name.split()[0] for line in compiled.program if isinstance(line.instruction, Dma)}
        assert "spill" in names
        for order in Order:
            assert not differences(compiled, network, seed, order)


def test_a_spilled_plan_says_how_little_it_needs():
    config = replace(CONFIG, act_kib=4, res_kib=1)
    network = random_network(0, SHAPE)
    found = plan(network, analyse(network, config), config)
    assert found.used[Space.ACTIVATION] <= config.act_words
    assert found.used[Space.RESIDUAL] <= config.res_words


def test_only_what_has_weights_in_the_stream_follows_a_load():
    """A product whose streamed operand is brought back last waits for all of it."""
    config = CoreConfig(rows=4, cols=4, max_tokens=64, act_kib=1, res_kib=8, act_banks=2)
    lines = compile_network(random_network(18), config).program
    convs = [line.instruction for line in lines if isinstance(line.instruction, Conv)]
    dmas = [line.name for line in lines if isinstance(line.instruction, Dma)]
    products = [conv for conv in convs if conv.stationary is not StationarySource.STREAM]
    last = {dmas[conv.wait_dma - 1] for conv in products if conv.wait_dma}
    assert "load blocks.0.q.1" in last, "of queries and keys the queries come last"
    assert not any(conv.chained for conv in products)
