"""Networks of pictures, compiled for small cores and carried out by the emulator in every order."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Conv
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_pictures import random_pictures
from pointwise.model.compiler.shapes import random_config
from pointwise.model.emulator.emulator import Order
from pointwise.model.graph import Graph
from pointwise.model.graph.ops import Add, Conv2d, Input, Linear, MaxPool
from pointwise.model.graph.window import Window
from tests.model.emulator.test_emulator import differences

CORES = (
    CoreConfig(rows=4, cols=4, max_tokens=40, act_kib=32, act_banks=3, res_kib=8, axi_data_width=64),
    CoreConfig(
        rows=4, cols=8, max_tokens=24, act_kib=16, act_banks=2, res_kib=4, axi_data_width=32, axi_burst=4
    ),
    CoreConfig(rows=8, cols=4, max_tokens=64, act_kib=32, act_banks=1, res_kib=8),
)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("core", range(len(CORES)))
def test_every_value_in_every_order(core: int, seed: int) -> None:
    network = random_pictures(100 * core + seed, attention_tokens=24)
    compiled = compile_network(network, CORES[core], trace=True)
    for order in (Order.SEQUENTIAL, Order.LATE_WRITES, Order.DMA_LAST, Order.RANDOM):
        assert differences(compiled, network, seed, order) == [], order


@pytest.mark.parametrize("seed", range(8))
def test_on_cores_of_any_shape(seed: int) -> None:
    network = random_pictures(1000 + seed, max_side=6, attention_tokens=20)
    config = replace(random_config(seed), res_kib=32)
    assert differences(compile_network(network, config, trace=True), network, seed, Order.SEQUENTIAL) == []


def chain(height: int, width: int) -> Graph:
    """Convolutions with a large picture between them, and a maximum: what has to be cut into slices."""
    rng = np.random.default_rng(4)

    def conv(name: str, source: str, window: Window, k: int, n: int, groups: int = 1) -> Conv2d:
        weight = rng.integers(-128, 128, (n, k // groups, *window.kernel), dtype=np.int8)
        factors = {"bias": np.zeros(n, int), "mult": np.full(n, 40000), "shift": np.full(n, 27)}
        return Conv2d(name, (source,), window=window, groups=groups, weight=weight, **factors)

    first = Window((height, width), (3, 3), padding=(1, 1, 1, 1))
    pool = Window((height, width), (3, 3), (2, 2), (1, 1, 1, 1))
    last = Window(pool.out_size, (3, 3), (2, 2), (1, 1, 1, 1))
    weight = rng.integers(-128, 128, (16, 9), dtype=np.int8)
    factors = {"bias": np.zeros(16, int), "mult": np.full(16, 40000), "shift": np.full(16, 26)}
    ops = (
        Input("image", shape=(height * width, 9)),
        Linear("stem", ("image",), weight=weight, **factors),
        conv("wide", "stem", first, 16, 24),
        conv("depthwise", "wide", first, 24, 24, 24),
        MaxPool("pool", ("depthwise",), window=pool),
        replace(conv("last", "pool", last, 24, 5), dtype="int16"),
    )
    return Graph("chain", ops, "last")


@pytest.mark.parametrize(("act_kib", "cut"), [(64, False), (12, True), (10, True)])
def test_pictures_that_do_not_fit_are_made_in_slices_with_halos(act_kib: int, cut: bool) -> None:
    network = chain(19, 23)
    config = CoreConfig(rows=4, cols=4, max_tokens=50, act_kib=act_kib, act_banks=2, res_kib=4)
    compiled = compile_network(network, config, trace=True)
    made = sum(
        line.instruction.tokens
        for line in compiled.program
        if isinstance(line.instruction, Conv) and line.name == "depthwise"
    )
    assert (made > network.values["depthwise"].tokens) == cut
    entries = compiled.manifest["instructions"]
    assert sum(entry.get("macs", 0) for entry in entries) == network.macs, "what is made twice is useful once"
    for order in Order:
        assert differences(compiled, network, 3, order) == [], order


@pytest.mark.parametrize("computed", [False, True])
def test_a_maximum_of_a_later_word_does_not_follow_the_rows_of_the_first(computed: bool) -> None:
    """Where each word has an instruction of its own: row 0 of a LOAD, or word 0 of a result, is not its."""
    window = Window((6, 8), (2, 2), (2, 2))
    weight = np.random.default_rng(6).integers(-128, 128, (12, 12), dtype=np.int8)
    factors = {"bias": np.zeros(12, int), "mult": np.full(12, 40000), "shift": np.full(12, 26)}
    stem = (Linear("stem", ("image",), weight=weight, **factors),) if computed else ()
    pool = MaxPool("pool", ("stem" if computed else "image",), window=window)
    head = Linear("head", ("pool",), weight=weight, dtype="int16", **factors)
    network = Graph("net", (Input("image", shape=(48, 12)), *stem, pool, head), "head")
    compiled = compile_network(network, replace(CORES[1], max_tokens=48), trace=True)
    pools = [line.instruction for line in compiled.program if line.name == "pool"]
    flags = [(conv.chained, conv.pipelined) for conv in pools if isinstance(conv, Conv)]
    assert flags == [(not computed, computed), (False, False), (False, False)]
    for order in Order:
        assert differences(compiled, network, 3, order) == [], order


def test_a_sum_takes_the_place_of_what_nobody_reads_any_more() -> None:
    window = Window((4, 5), (3, 3), padding=(1, 1, 1, 1))
    rng = np.random.default_rng(1)
    weight = rng.integers(-128, 128, (6, 6, 3, 3), dtype=np.int8)
    factors = {"bias": np.zeros(6, int), "mult": np.full(6, 40000), "shift": np.full(6, 24)}
    middle = Conv2d("middle", ("stem",), window=window, weight=weight, **factors)
    conv = Conv2d("conv", ("middle",), window=window, weight=weight, dtype="int16", **factors)
    stem = Linear("stem", ("image",), weight=weight[:, :, 0, 0], **factors)
    head = Linear("head", ("sum",), weight=weight[:, :, 1, 1], dtype="int16", **factors)
    ops = (
        Input("image", shape=(20, 6)),
        stem,
        middle,
        conv,
        Add("sum", ("conv", "stem"), dtype="int8", factor=5, shift=3),
    )
    config = CoreConfig(rows=4, cols=4, max_tokens=20, act_kib=8, res_kib=4)
    for more, in_place in (((head,), True), ((head, replace(head, name="also", inputs=("stem",))), False)):
        network = Graph("net", (*ops, *more), more[-1].name)
        compiled = compile_network(network, config, trace=True)
        (added,) = (line.instruction for line in compiled.program if getattr(line.instruction, "add", False))
        assert (added.add_offset == 0) == in_place
        for order in Order:
            assert differences(compiled, network, 5, order) == [], order


def test_a_row_that_is_longer_than_the_core_takes_is_named() -> None:
    config = CoreConfig(rows=4, cols=4, max_tokens=16, act_kib=64, res_kib=16)
    with pytest.raises(PointwiseError, match="wide has rows of 23 pixels"):
        compile_network(chain(5, 23), config)
