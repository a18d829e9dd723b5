"""Scales of pictures: one behind a ReLU, else one a channel; and what was seen little of gets more room."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pointwise.model.graph import Graph, Quantisation, run, run_float
from pointwise.model.graph.ops import Activation, Add, Conv2d, Input, Linear, MaxPool, MeanPool
from pointwise.model.graph.value import FLOAT
from pointwise.model.graph.window import Window
from pointwise.model.quantise.calibrate import calibrate
from pointwise.model.quantise.convert import convert
from pointwise.model.quantise.picture_scales import FEW, HEADROOM, LEAST_REACH
from pointwise.model.quantise.recipe import PLAIN, LayerConfig, Recipe

PIXELS, CHANNELS = 36, 8


def network(function: str = "", *, padded: bool = True, pooled: bool = False) -> Graph:
    """A narrow value of unequal channels, or the largest of its neighbours, that a wide part is added to, as
    in MobileNet-V2."""
    rng = np.random.default_rng(4)
    spread = np.geomspace(0.1, 1, CHANNELS)[:, None]
    pad = (1, 1, 1, 1) if padded else (0, 0, 0, 0)
    kernel = (3, 3) if padded else (1, 1)
    kept = "pool" if pooled else "narrow"

    def linear(name: str, source: str, factor: np.ndarray | float = 1.0) -> Linear:
        weight = factor * rng.normal(0, 1, (CHANNELS, CHANNELS))
        return Linear(name, (source,), weight=weight, bias=np.full(CHANNELS, 0.1))

    ops = [
        Input("x", shape=(PIXELS, CHANNELS), dtype=FLOAT),
        linear("narrow", "x", spread),
        *(
            [MaxPool("pool", ("narrow",), window=Window((6, 6), (3, 3), padding=(1, 1, 1, 1)))]
            if pooled
            else ()
        ),
        linear("wide", kept),
        Activation("wide.act", ("wide",), function="relu6"),
        Conv2d(
            "depthwise",
            ("wide.act",),
            window=Window((6, 6), kernel, padding=pad),
            groups=CHANNELS,
            weight=rng.normal(0, 0.5, (CHANNELS, 1, *kernel)),
            bias=np.zeros(CHANNELS),
        ),
        linear("project", "depthwise", 0.3 * spread),
        Add("sum", ("project", kept)),
    ]
    source = "sum"
    if function:
        ops.append(Activation("sum.act", ("sum",), function=function))
        source = "sum.act"
    ops += [linear("last", source), Activation("last.act", ("last",), function="relu")]
    ops += [MeanPool("mean", ("last.act",)), linear("head", "mean")]
    return Graph("net", tuple(ops), "head")


def quantised(graph: Graph, recipe: Recipe | None = None, images: int = 50) -> Graph:
    x = torch.randn(images, PIXELS, CHANNELS, generator=torch.Generator().manual_seed(6))
    config = recipe or Recipe()
    return convert(graph, calibrate(graph, x, config), config)


def noise(graph: Graph, integers: Graph, name: str) -> float:
    x = torch.randn(20, PIXELS, CHANNELS, generator=torch.Generator().manual_seed(7))
    want = run_float(graph, x)[name].numpy()
    got = integers.real(name, run(integers, integers.input.quantisation.rounded(x.numpy(), "int8"))[name])
    return float(10 * np.log10((want**2).sum() / ((want - got) ** 2).sum()))


@pytest.mark.parametrize("pooled", [False, True])
def test_sums_and_what_they_keep_have_the_same_ratios(pooled: bool) -> None:
    """No step of the sum is coarser than its own range wants."""
    graph = network(pooled=pooled)
    made = quantised(graph)
    narrow, total = made["narrow"].quantisation, made["sum"].quantisation
    assert np.ptp(narrow.scale) > 0, "channels differ"
    assert np.allclose(total.scale / narrow.scale, total.scale[0] / narrow.scale[0], rtol=1e-12)
    assert narrow.scale.min() >= LEAST_REACH * narrow.scale.max()
    assert np.any(narrow.offset) != pooled, "where products and sums alone read it, 0 may lie anywhere"
    assert noise(graph, made, "sum") > 32


def test_a_scale_for_each_channel_is_worth_something() -> None:
    graph = network()
    alike = Recipe(LayerConfig(granularity="tensor"))
    gain = noise(graph, quantised(graph), "sum") - noise(graph, quantised(graph, alike), "sum")
    assert gain > 1, f"{gain:.1f} dB"


def test_behind_a_relu_all_channels_share_the_scale() -> None:
    made = quantised(network("relu"))
    for name in ("wide", "sum"):
        assert np.ptp(made[name].quantisation.scale) == 0 and made[name].quantisation.zero_point == -128
    assert np.ptp(made["narrow"].quantisation.scale) == 0, "what is added to it shares its ratios"


@pytest.mark.parametrize("images", [1, 400])
def test_of_few_values_other_images_may_leave_the_range(images: int) -> None:
    graph = network()
    seen = calibrate(graph, torch.randn(images, PIXELS, CHANNELS), Recipe())
    made = convert(graph, seen, Recipe())
    found: Quantisation = made["sum"].quantisation
    low, high = seen["sum"].min_max(symmetric=False)
    room = (found.scale * 127 / ((high - low) / 2)).min()
    wanted = 1 + HEADROOM * min(1.0, (FEW / (images * PIXELS)) ** 0.5)
    assert wanted * (1 - 1e-9) <= room <= wanted * 1.3


def test_relu6_leaves_no_more_room_than_it_lets_through() -> None:
    made = quantised(network(), images=1)
    assert made["wide"].quantisation.scale * 255 <= 6 * (1 + 1e-9)


def test_one_scale_a_tensor_where_the_recipe_says_so() -> None:
    made = quantised(network(), Recipe(PLAIN))
    for name in ("narrow", "sum", "wide"):
        found = made[name].quantisation
        assert np.ptp(found.scale) == 0 and not np.any(found.offset)


def test_scales_do_not_depend_on_the_unit_of_a_value() -> None:
    """What makes a value and what reads it may agree on any, also where weights are so unequal that their
    rounding counts too."""
    found, unequal = [], np.geomspace(0.1, 10, CHANNELS)
    for unit in (2.0**-10, 1.0, 2.0**10):
        graph = network()
        makes = dict.fromkeys(("narrow", "project"), (unit, unit))
        factors = makes | dict.fromkeys(("wide", "last"), (unequal / unit, 1.0))
        ops = {name: graph[name] for name in factors}
        changed = {
            name: replace(op, weight=op.weight * factors[name][0], bias=op.bias * factors[name][1])
            for name, op in ops.items()
        }
        made = quantised(graph.changed(changed))
        found.append([made[name].quantisation.scale / unit for name in ("narrow", "sum")])
    assert np.allclose(found[0], found[1], rtol=1e-5) and np.allclose(found[2], found[1], rtol=1e-5)
