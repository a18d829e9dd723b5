"""Steps of sums of bytes, pooling and clamps: what the integers stand for."""

import itertools

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, run, run_float
from pointwise.model.graph.ops import Activation, Add, Conv2d, Input, Linear, MaxPool, MeanPool
from pointwise.model.graph.value import FLOAT
from pointwise.model.graph.window import Window
from pointwise.model.integer.requantise import add_scaled
from pointwise.model.integer.rounding import INT8
from pointwise.model.quantise.calibrate import calibrate
from pointwise.model.quantise.convert import convert
from pointwise.model.quantise.recipe import Recipe
from pointwise.model.quantise.sum_plan import best_factor

SIZE = (6, 5)


def test_sums_in_finer_steps_are_rounded_half_up() -> None:
    new, old = np.arange(-40, 40)[:, None], np.arange(-9, 9)
    for factor, shift in itertools.product(range(8), range(8)):
        exact = np.floor((new + factor * old) / 2**shift + 0.5)
        assert (add_scaled(old, new, factor, shift, INT8) == np.clip(exact, *INT8)).all()


@pytest.mark.parametrize("wanted", [0.01, 0.4, 1.0, 1.3, 17.0, 60.0])
def test_the_step_of_a_sum_is_hardly_larger_than_what_is_wanted(wanted: float) -> None:
    factor, shift, step = best_factor(1.0, wanted)
    assert step == 2**shift / factor
    assert step >= wanted
    assert step <= max(wanted * 1.25, 1 / 7) + 1e-12


def test_sums_that_are_too_far_apart_are_refused() -> None:
    with pytest.raises(PointwiseError, match="more than 128 times"):
        best_factor(1.0, 200.0)


def network(function: str) -> Graph:
    rng = np.random.default_rng(3)
    window = Window(SIZE, (3, 3), padding=(1, 1, 1, 1))

    def conv(name: str, source: str, groups: int = 1, n: int = 6) -> Conv2d:
        weight = rng.normal(0, 0.4, (n, 6 // groups, 3, 3))
        bias = rng.normal(0, 0.2, n)
        return Conv2d(name, (source,), window=window, groups=groups, weight=weight, bias=bias)

    ops = (
        Input("x", shape=(30, 4), dtype=FLOAT),
        Linear("stem", ("x",), weight=rng.normal(0, 0.7, (6, 4)), bias=rng.normal(0, 0.2, 6)),
        Activation("stem.act", ("stem",), function=function),
        conv("depthwise", "stem.act", 6),
        conv("grouped", "depthwise", 2),
        Add("sum", ("stem.act", "grouped")),
        Activation("sum.act", ("sum",), function="relu6"),
        MaxPool("pool", ("sum.act",), window=Window(SIZE, (2, 2), (2, 2))),
        MeanPool("mean", ("pool",)),
        Linear("head", ("mean",), weight=rng.normal(0, 1, (3, 6)), bias=rng.normal(0, 1, 3)),
    )
    return Graph("net", ops, "head")


@pytest.mark.parametrize("function", ["relu", "relu6", "hardswish"])
def test_a_network_of_pictures(function: str) -> None:
    torch.manual_seed(5)
    graph, x = network(function), torch.randn(64, 30, 4)
    integers = convert(graph, calibrate(graph, x), Recipe())
    names = [op.name for op in integers.ops]
    assert ("stem.act" in names) == (function == "hardswish"), "a clamp costs nothing, a table is one"
    given = integers.input.quantisation.rounded(x.numpy(), "int8")
    made, real = run(integers, given), run_float(graph, x)
    for name in ("sum", "pool", "mean", "head"):
        want = real["sum.act" if name == "sum" else name].numpy()
        error = integers.real(name, made[name]) - want
        noise = 10 * np.log10((want**2).sum() / (error**2).sum())
        assert noise > 20, f"{name}: {noise:.1f} dB"
    assert integers["sum"].quantisation.zero_point == -128
    assert integers["depthwise"].pad == integers[integers["depthwise"].inputs[0]].quantisation.zero_point


def test_a_sum_of_what_is_no_product_is_refused() -> None:
    window = Window(SIZE, (3, 3), padding=(1, 1, 1, 1))
    pools = [MaxPool(name, ("stem",), window=window) for name in ("a", "b")]
    stem = Linear("stem", ("x",), weight=np.eye(4), bias=np.zeros(4))
    head = Linear("head", ("sum",), weight=np.eye(4), bias=np.zeros(4))
    ops = (Input("x", shape=(30, 4), dtype=FLOAT), stem, *pools, Add("sum", ("a", "b")), head)
    with pytest.raises(PointwiseError, match="neither of which is a product"):
        calibrate(Graph("net", ops, "head"), torch.randn(2, 30, 4))
