"""Pictures that wait in DRAM row by row: all bits as without, in every order; and how little memory does."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, Dma
from pointwise.model.compiler import compile_network, planning
from pointwise.model.compiler.analysis import analyse
from pointwise.model.compiler.cuts import Cuts
from pointwise.model.compiler.lowering import row_unit
from pointwise.model.compiler.offload import finest_first, offloadable, ways
from pointwise.model.compiler.pace import Pace
from pointwise.model.compiler.planning import find_plan
from pointwise.model.compiler.random_pictures import random_pictures
from pointwise.model.compiler.schedule import layer_order
from pointwise.model.emulator.emulator import Order
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Add, Conv2d, Input, Linear, MaxPool
from pointwise.model.graph.window import Window
from tests.model.emulator.test_emulator import differences
from tests.slow import few

CORE = CoreConfig(rows=4, cols=4, max_tokens=64, act_kib=7, act_banks=2, res_kib=2)
CORES = (
    replace(CORE, act_kib=64, res_kib=64),
    CoreConfig(rows=4, cols=8, max_tokens=48, act_kib=64, act_banks=3, res_kib=64, axi_data_width=32),
    CoreConfig(rows=16, cols=4, max_tokens=80, act_kib=128, act_banks=1, res_kib=64),
    CoreConfig(rows=8, cols=8, max_tokens=64, act_kib=64, res_kib=64, axi_data_width=512),
)


def residual(size: tuple[int, int] = (16, 16), n: int = 12) -> Graph:
    """Two residual blocks, of which the second one is added in place, and one at half the size."""
    rng = np.random.default_rng(5)
    ops: list[Conv2d | Input | Add | MaxPool | Linear] = [Input("image", shape=(size[0] * size[1], n))]

    def conv(name: str, source: str, kernel: int, stride: int = 1, dtype: str = "int8") -> str:
        weight = rng.integers(-128, 128, (n, n, kernel, kernel), dtype=np.int8)
        factors = {"bias": np.zeros(n, int), "mult": np.full(n, 40000), "shift": np.full(n, 26)}
        pad = kernel // 2
        window = Window(size, (kernel, kernel), (stride, stride), (pad, pad, pad, pad))
        ops.append(Conv2d(name, (source,), window=window, weight=weight, dtype=dtype, **factors))
        return name

    def add(name: str, new: str, old: str) -> str:
        ops.append(Add(name, (new, old), dtype="uint8", factor=5, shift=3))
        return name

    stem = conv("stem", "image", 1)
    a0, old = conv("a0", stem, 3), conv("old0", stem, 1)
    x = add("sum0", conv("new0", a0, 1, dtype="int16"), old)
    x = add("sum1", conv("new1", conv("a1", x, 3), 3, dtype="int16"), x)
    a2, old = conv("a2", x, 3, 2), conv("old2", x, 1, 2)
    size = -(-size[0] // 2), -(-size[1] // 2)
    add("sum2", conv("new2", a2, 3, dtype="int16"), old)
    weight = rng.integers(-128, 128, (5, n), dtype=np.int8)
    factors = {"bias": np.zeros(5, int), "mult": np.full(5, 40000), "shift": np.full(5, 26)}
    ops.append(Linear("head", ("sum2",), weight=weight, dtype="int16", **factors))
    return Graph("residual", tuple(ops), "head")


def moves(network: Graph, config: CoreConfig, trace: bool = False) -> int:
    """LOADs and STOREs of pictures that wait."""
    lines = compile_network(network, config, trace=trace).program
    return sum(isinstance(line.instruction, Dma) and line.name.startswith("spill") for line in lines)


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pictures wait in DRAM that can, in the finest slices that fit, whether they have to or not."""
    monkeypatch.setattr(planning, "_sliced", lambda *_: (None, [{}]))
    monkeypatch.setattr(planning, "ways", lambda *given: islice(finest_first(*given), 4))


@pytest.mark.parametrize("core", range(len(CORES)))
@pytest.mark.parametrize("seed", few(range(10), range(4)))
@pytest.mark.usefixtures("everything")
def test_every_value_in_every_order(core: int, seed: int) -> None:
    network = random_pictures(400 + 20 * core + seed, max_side=36)
    config = CORES[core]
    compiled = compile_network(network, config, trace=True)
    for order in (Order.SEQUENTIAL, Order.LATE_WRITES, Order.DMA_LAST, Order.RANDOM):
        assert differences(compiled, network, seed, order) == [], order


@pytest.mark.parametrize("size", [(16, 16), (32, 16), (33, 16), (20, 8), (48, 5), (17, 31)])
@pytest.mark.usefixtures("everything")
def test_sums_wait_with_what_they_are_made_of(size: tuple[int, int]) -> None:
    network, config = residual(size), replace(CORE, act_kib=32, res_kib=8)
    analysis = analyse(network, config)
    found = offloadable(analysis, config)
    assert any({"old0", "sum0"} <= group for group in found) == (size[0] > row_unit(size[1], config))
    compiled = compile_network(network, config, trace=True)
    for order in Order:
        assert differences(compiled, network, 2, order) == [], order


@pytest.mark.slow
def test_less_memory_than_the_largest_sum_does() -> None:
    network, small = residual((32, 32)), replace(CORE, act_kib=6, res_kib=8)
    largest = 32 * 32 * 12
    assert small.act_kib * 1024 < largest
    assert moves(network, small) > 0
    for trace in (False, True):
        compiled = compile_network(network, small, trace=trace)
        for order in Order:
            assert differences(compiled, network, 4, order) == [], order


def test_nothing_is_made_twice() -> None:
    """Rows that two slices need are brought twice; no layer makes a token more than once."""
    network, small = residual((32, 32)), replace(CORE, act_kib=6, res_kib=8)
    made: dict[str, int] = {}
    for line in compile_network(network, small).program:
        if isinstance(line.instruction, Conv):
            made[line.name] = made.get(line.name, 0) + line.instruction.tokens
    assert made["a1"] == made["new1"] == made["old0"] == 32 * 32
    assert made["a2"] == made["new2"] == 16 * 16


def test_what_costs_least_comes_first_of_what_has_room() -> None:
    network, small = residual((32, 32)), replace(CORE, act_kib=10, res_kib=8)
    analysis = analyse(network, small)
    found = ways(analysis, small)
    roomy = [way for way in found if way.room <= small.act_words]
    assert roomy and found[: len(roomy)] == roomy
    assert [way.cost for way in roomy] == sorted(way.cost for way in roomy)
    assert all(way.cut.peak <= small.act_words for way in found)
    plan = find_plan(analysis, small, Cuts(analysis, small))
    assert plan is not None
    assert Pace(analysis, small).cycles(plan.graph, plan.order) <= max(way.cost for way in found)


def test_with_room_for_all_nothing_waits() -> None:
    assert moves(residual(), replace(CORE, act_kib=64, res_kib=8)) == 0


def test_slices_of_a_layer_follow_one_another() -> None:
    """Layer by layer, each LOAD in front of who needs it, and the next slice's in front of its STORE."""
    network, small = residual((32, 32)), replace(CORE, act_kib=6, res_kib=8)
    analysis = analyse(network, small)
    plan = find_plan(analysis, small, Cuts(analysis, small))
    assert plan is not None
    serial = layer_order(plan.graph)
    made = [plan.graph.steps[index].node_index for index in serial if plan.graph.steps[index].node]
    assert made == sorted(made) and len(made) > len(set(made))
    for order in (serial, plan.order):
        assert sorted(order) == list(range(len(plan.graph.steps)))
        position = {index: place for place, index in enumerate(order)}
        for step in plan.graph.steps:
            assert all(position[before] < position[step.index] for before in step.after)
    pace = Pace(analysis, small)
    assert pace.cycles(plan.graph, plan.order) < pace.cycles(plan.graph, serial)


def test_what_is_stored_lies_apart_from_what_is_streamed_meanwhile() -> None:
    network, small = residual((32, 32)), replace(CORE, act_kib=16, act_banks=4, res_kib=8)
    analysis = analyse(network, small)
    plan = find_plan(analysis, small, Cuts(analysis, small))
    assert plan is not None
    pairs = list(planning._stored_beside(plan.graph, plan.order))
    assert pairs

    def banks(buffer: int) -> set[int]:
        first = plan.places[buffer]
        return set(
            range(
                first // small.bank_words,
                (first + plan.graph.buffers[buffer].words - 1) // small.bank_words + 1,
            )
        )

    assert sum(bool(banks(one) & banks(other)) for one, other in pairs) < len(pairs) / 4
