"""Orders of steps."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler.analysis import analyse
from pointwise.model.compiler.lowering import Graph, Step, lower, sliceable
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.schedule import (
    MAXIMA_SLOTS,
    assign_slots,
    demand_order,
    interleave,
    maxima_readers,
)
from pointwise.model.compiler.shapes import Shape, random_config, random_shape
from pointwise.model.compiler.urgency import Urgency
from pointwise.model.engine.op import Normalise, TokenSums
from pointwise.model.graph.ops import Add, Concat

SHAPE = Shape(tokens=8, inputs=8, dim=8, depth=1, heads=3, head_dim=4, hidden=16, classes=3)
UNLIMITED = 1 << 30


def graph_of(
    seed: int, shape: Shape | None = None, slices: int = 1, config: CoreConfig | None = None
) -> Graph:
    config = config or CoreConfig(rows=4, cols=4)
    analysis = analyse(random_network(seed, shape), config)
    cut = {key: slices for key in sliceable(analysis) if analysis.tensors[key].tokens >= slices}
    return lower(analysis, config, cut)


def assert_valid(graph: Graph, order: list[int]) -> None:
    assert sorted(order) == list(range(len(graph.steps)))
    position = {step: index for index, step in enumerate(order)}
    for step in graph.steps:
        assert all(position[before] < position[step.index] for before in step.after)
        assert step.flow <= set(step.after)
    # Whatever the steps say of themselves: two that touch the same rows, one to write, keep their order.
    for first, second in combinations(graph.steps, 2):
        if conflicting(first, second):
            assert position[first.index] < position[second.index], (first, second)


def conflicting(first: Step, second: Step) -> bool:
    """Whether the order of two steps matters, from the rows that they read and write."""

    def rows(step: Step) -> tuple[set, set]:
        written = {(step.output.buffer, step.output.first + t) for t in range(step.output.count)}
        operands = [*step.streamed, *([step.stationary] if step.stationary else [])]
        read = {(r.buffer, r.first + t) for r in operands for t in range(r.count)}
        op = step.node.op if step.node else None
        tokens = {("statistics", t) for t in range(step.first, step.first + step.count)}
        if op and isinstance(op.prologue, Normalise):
            read |= {(name, t + op.first) for name, t in tokens}
        if op and op.stage(TokenSums):
            written |= tokens
        return read, written

    (read, written), (read_later, written_later) = rows(first), rows(second)
    return bool(written & (read_later | written_later) or read & written_later)


def names(graph: Graph, order: list[int]) -> list[str]:
    return [graph.steps[i].node.op.name if graph.steps[i].node else "load" for i in order]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("slices", [1, 2, 3])
def test_orders_are_valid_and_slots_suffice(seed: int, slices: int):
    shape = random_shape(seed)
    graph = graph_of(seed, replace(shape, tokens=max(shape.tokens, 3)), slices, random_config(seed))
    serial = demand_order(graph)
    assert_valid(graph, serial)
    assert interleave(graph, serial, 0) == serial, "without room nothing moves"
    order = interleave(graph, serial, UNLIMITED)
    assert_valid(graph, order)
    urgent = interleave(
        graph, serial, UNLIMITED, urgency=Urgency(graph, serial, random_config(seed), MAXIMA_SLOTS)
    )
    assert_valid(graph, urgent)
    for candidate in (serial, order, urgent):
        maxima, sums = assign_slots(graph, candidate)
        for maker, readers in maxima_readers(graph).items():
            between = candidate[candidate.index(maker) + 1 : max(candidate.index(r) for r in readers)]
            assert all(maxima[reader] == maxima[maker] for reader in readers)
            others = [step for step in between if step in maxima_readers(graph)]
            assert all(maxima[step] != maxima[maker] for step in others)
        taken = [sums[step] for step in candidate if step in sums]
        assert taken == [index % 2 for index in range(len(taken))]


def test_what_is_read_early_and_asked_for_late_comes_before_its_operands_change():
    """A probe of the residual stream at the start, which only the last layer needs."""
    network = random_network(0, replace(SHAPE, depth=2))
    norm, first = network["blocks.0.q.0.norm"], network["blocks.0.q.0"]
    probe = replace(first, name="probe")
    late = replace(
        network["patch"],
        name="late",
        inputs=("beside",),
        weight=np.ones((SHAPE.dim, 2 * SHAPE.head_dim), int),
    )
    index = network.ops.index(norm) + 1
    # One tensor cannot stand beside two others, so that the projection has to do with one head.
    proj = network["blocks.1.proj"]
    one_head = replace(proj, inputs=("blocks.1.context.1",), weight=proj.weight[:, : SHAPE.head_dim])
    ops = [
        *network.ops[:index],
        probe,
        *(one_head if op is proj else op for op in network.ops[index:] if op.name != "blocks.1.contexts"),
        Concat("beside", ("blocks.1.context.0", "probe")),
        late,
        Add("sum", ("blocks.1.fc2.add", "late")),
    ]
    # What normalises the last sum comes in front of what is added to it.
    changed = replace(network, ops=tuple(ops), output="sum")
    config = CoreConfig(rows=4, cols=4)
    graph = lower(analyse(changed, config), config, {})
    assert_valid(graph, demand_order(graph))
    assert_valid(graph, interleave(graph, demand_order(graph), UNLIMITED))


def test_what_may_be_sliced():
    """Also where V is streamed by another layer: all of it is needed at once as stationary operand."""
    network = random_network(0, SHAPE)
    also = replace(
        network["patch"],
        name="also",
        inputs=("blocks.0.v.0",),
        weight=np.ones((SHAPE.dim, SHAPE.head_dim), int),
    )
    analysis = analyse(replace(network, ops=(*network.ops, also)), CoreConfig(rows=4, cols=4))
    hidden = network["blocks.0.fc2"].inputs[0]
    assert sliceable(analysis) == {"image", hidden} | {f"blocks.0.scores.{head}" for head in range(3)}


def test_demand_is_head_by_head_whatever_the_order_of_the_layers():
    """All q, then all k and v, as a quantiser may list them: the order comes from the need."""
    network = random_network(3, SHAPE)
    first = {"q": 0, "k": 1, "v": 2, "scores": 3, "softmax": 4, "context": 5}
    parts = {op.name: op.name.split(".")[2] for op in network.ops if op.name.startswith("blocks.0.")}
    heads = [op for op in network.ops if parts.get(op.name) in first]
    shuffled = sorted(heads, key=lambda op: first[parts[op.name]])
    index = network.ops.index(heads[0])
    ops = (*network.ops[:index], *shuffled, *(op for op in network.ops[index:] if op not in heads))
    config = CoreConfig(rows=4, cols=4)
    graph = lower(analyse(replace(network, ops=ops), config), config, {})
    found = [
        name.removeprefix("blocks.0.")
        for name in names(graph, demand_order(graph))
        if name.startswith("blocks.0")
    ]
    expected = [f"{part}.{head}" for head in range(3) for part in ("q", "k", "scores", "v", "context")]
    assert found == [*expected, "proj", "fc1", "fc2"]


def test_interleaving_puts_other_work_between_a_step_and_its_reader():
    graph = graph_of(0, SHAPE)
    order = interleave(graph, demand_order(graph), UNLIMITED)
    stalls = [graph.steps[b].index for a, b in pairwise(order) if a in graph.steps[b].flow]
    stalled = {graph.steps[index].node.op.name for index in stalls}
    # A chain of layers has nothing to put between, and the last head has no next one.
    chained = {f"blocks.0.{name}" for name in ("q.0", "context.2", "proj", "fc1", "fc2")}
    assert stalled == chained | {"patch", "head"}


def test_the_most_urgent_of_several_heads_goes_first():
    """Little is left behind a context, much behind scores: each head's wait is filled with another's work."""
    config = CoreConfig(rows=4, cols=4)
    graph = graph_of(0, SHAPE, config=config)
    serial = demand_order(graph)
    urgency = Urgency(graph, serial, config, MAXIMA_SLOTS)
    order = interleave(graph, serial, UNLIMITED, urgency=urgency)
    assert_valid(graph, order)
    assert urgency.cycles(order) < urgency.cycles(interleave(graph, serial, UNLIMITED))
    for step in graph.steps:
        assert all(urgency.behind[other] >= urgency.behind[step.index] for other in step.flow)


def test_the_image_is_loaded_before_the_positions():
    for slices in (1, 2, 4):
        graph = graph_of(0, SHAPE, slices)
        order = interleave(graph, demand_order(graph), 0)
        loads = [
            graph.buffers[graph.steps[i].output.buffer].tensor.key
            for i in order
            if graph.steps[i].node is None
        ]
        assert loads[:2] == ["image", "x"] and np.all(np.array(loads[2:]) == "image")
