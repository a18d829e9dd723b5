"""Chains of slices that overlap: where they end, and how many slices there are."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler import compile_network, planning
from pointwise.model.compiler.analysis import Analysis, analyse
from pointwise.model.compiler.convs import token_cycles
from pointwise.model.compiler.cuts import Cut, Cuts
from pointwise.model.compiler.halos import fewer_halos
from pointwise.model.compiler.lowering import Graph as Steps
from pointwise.model.compiler.lowering import lower, sliceable
from pointwise.model.compiler.planning import _sliced, find_plan
from pointwise.model.emulator.emulator import Order
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Conv2d, Input, Linear
from pointwise.model.graph.window import Window
from tests.model.emulator.test_emulator import differences

CORE = CoreConfig(rows=4, cols=4, max_tokens=64, act_kib=7, act_banks=2, res_kib=2)


@cache
def network() -> Graph:
    """Pictures of 32 by 32 pixels that become smaller twice, with two convolutions at each size."""
    rng = np.random.default_rng(7)
    size, source = (32, 32), "image"
    ops: list[Conv2d | Input] = [Input("image", shape=(32 * 32, 4))]
    for number, stride in enumerate((1, 1, 2, 1, 1, 2, 1)):
        window = Window(size, (3, 3), (stride, stride), (1, 1, 1, 1))
        weight = rng.integers(-128, 128, (4, 4, 3, 3), dtype=np.int8)
        factors = {"bias": np.zeros(4, int), "mult": np.full(4, 40000), "shift": np.full(4, 25)}
        ops.append(Conv2d(f"c{number}", (source,), window=window, weight=weight, **factors))
        size, source = window.out_size, f"c{number}"
    return Graph("chain", tuple(ops), source)


def cut_of(steps: Steps, analysis: Analysis, core: CoreConfig = CORE, complete: bool = True) -> Cut:
    return Cut(steps, [token_cycles(node, core) for node in analysis.nodes], complete)


def first_found(analysis: Analysis, cuts: Cuts, core: CoreConfig = CORE) -> Cut:
    plan, tried = _sliced(analysis, core, cuts, sliceable(analysis))
    assert plan is not None
    return cuts[tried[-1]]


def test_a_chain_ends_where_a_tensor_is_left_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_offloaded", lambda *_: None)
    analysis = analyse(network(), CORE)
    cuts = Cuts(analysis, CORE)
    before = first_found(analysis, cuts)
    assert before.cycles > cuts.least_cycles
    choices = list(fewer_halos(analysis, CORE, cuts, sliceable(analysis), before))
    assert choices and all(choice < sliceable(analysis) for choice in choices)
    plan = find_plan(analysis, CORE, cuts)
    assert plan is not None
    after = cut_of(plan.graph, analysis)
    assert cuts.least_cycles < after.cycles < before.cycles
    assert after.peak <= CORE.act_words


def test_there_are_no_more_slices_than_fit() -> None:
    small = replace(CORE, act_kib=3)
    analysis = analyse(network(), small)
    cuts = Cuts(analysis, small)
    before, plan = first_found(analysis, cuts, small), find_plan(analysis, small, cuts)
    assert list(fewer_halos(analysis, small, cuts, sliceable(analysis), before)) == []
    assert plan is not None and cut_of(plan.graph, analysis, small).cycles < before.cycles


def test_the_network_is_the_same() -> None:
    assert differences(compile_network(network(), CORE, trace=True), network(), 3, Order.SEQUENTIAL) == []


def test_memory_that_holds_everything_has_no_halos() -> None:
    large = replace(CORE, act_kib=64)
    analysis = analyse(network(), large)
    cuts = Cuts(analysis, large)
    assert list(fewer_halos(analysis, large, cuts, sliceable(analysis), cuts[{}])) == []
    plan = find_plan(analysis, large, cuts)
    assert plan is not None and cut_of(plan.graph, analysis, large).cycles == cuts.least_cycles


def test_buffers_are_written_whole_before_they_are_read() -> None:
    analysis = analyse(network(), CORE)
    parts = {key: 2 for key in sliceable(analysis) if key in ("c0", "c1", "c3")}
    graph = lower(analysis, CORE, parts)
    for complete in (False, True):
        order = cut_of(graph, analysis, complete=complete).order
        assert sorted(order) == list(range(len(graph.steps)))
        written, early = {}, 0
        for index in order:
            step = graph.steps[index]
            assert all(order.index(other) < order.index(index) for other in step.after)
            read = {rows.buffer for rows in step.streamed}
            early += any(other.output.buffer in read and other.index not in written for other in graph.steps)
            written[index] = True
        assert bool(early) != complete


def test_slices_are_whole_rows_also_where_what_reads_them_is_whole() -> None:
    """A product of its pixels one by one, which the output is."""
    window = Window((6, 5), (3, 3), (1, 1), (1, 1, 1, 1))
    factors = {"bias": np.zeros(4, int), "mult": np.full(4, 40000), "shift": np.full(4, 25)}
    ops = (
        Input("image", shape=(30, 4)),
        Conv2d("conv", ("image",), window=window, weight=np.ones((4, 4, 3, 3), np.int8), **factors),
        Linear("product", ("conv",), weight=np.ones((4, 4), np.int8), **factors),
    )
    steps = lower(analyse(Graph("rows", ops, "product"), CORE), CORE, {"conv": 4})
    assert [buffer.tokens for buffer in steps.buffers if buffer.tensor.key == "conv"] == [10, 10, 5, 5]
