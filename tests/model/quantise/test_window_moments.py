"""Moments of what lies under a kernel: those of all patches; and an edge detector that keeps its zero sum."""

import itertools

import numpy as np
import pytest
import torch

from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import Activation, Conv2d, Input, Linear
from pointwise.model.graph.value import FLOAT
from pointwise.model.graph.window import Window
from pointwise.model.quantise import window_moments
from pointwise.model.quantise.calibrate import calibrate
from pointwise.model.quantise.convert import convert
from pointwise.model.quantise.recipe import LayerConfig, Recipe
from pointwise.model.quantise.window_moments import WindowRecord

SIZE = (9, 7)


@pytest.mark.parametrize("groups, stride, dilation", [*itertools.product((1, 2, 4), (1, 2), (1, 2))])
def test_moments_are_those_of_all_patches(groups: int, stride: int, dilation: int) -> None:
    rng = np.random.default_rng(groups)
    window = Window(SIZE, (3, 2), (stride, 1), (1, 0, 2, 1), (dilation, 1))
    op = Conv2d("conv", ("x",), window=window, groups=groups, weight=rng.normal(size=(8, 4 // groups, 3, 2)))
    record, values = WindowRecord(op), rng.normal(1, 1, (3, SIZE[0] * SIZE[1], 4)).astype(np.float32)
    record.update(torch.from_numpy(values[:2]))
    record.update(torch.from_numpy(values[2:]))
    patches = window.patches(values, 0).astype(np.float64)
    for group in range(groups):
        part = patches[..., group * 4 // groups : (group + 1) * 4 // groups]
        rows = np.moveaxis(part, -1, -3).reshape(-1, 6 * 4 // groups)
        scale = rng.uniform(0.5, 2, rows.shape[1])
        got = record.moments(group, scale)
        assert np.allclose(got.mean, rows.mean(axis=0) / scale, rtol=1e-5, atol=1e-6)
        want = rows.T @ rows / len(rows) / np.outer(scale, scale)
        assert np.allclose(got.second, want, rtol=1e-5, atol=1e-6)
        assert np.allclose(got.power, np.diag(want), rtol=1e-5)


def test_some_places_stand_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_moments, "POSITIONS", 20)
    window = Window((40, 40), (3, 3))
    op = Conv2d("conv", ("x",), window=window, weight=np.ones((1, 1, 3, 3)))
    record = WindowRecord(op)
    assert record._rows(torch.randn(4, 1600, 1)).shape == (1, 20, 9)


def test_sums_of_too_many_inputs_are_left_out() -> None:
    def op(channels: int) -> Conv2d:
        return Conv2d("conv", ("x",), window=Window(SIZE, (3, 3)), weight=np.ones((2, channels, 3, 3)))

    assert WindowRecord.wanted(op(64)) and not WindowRecord.wanted(op(512))


def test_an_edge_detector_of_bright_pictures_keeps_its_sum() -> None:
    """Its weights add up to nothing, so that brightness, another in each picture, must not get through."""
    rng = np.random.default_rng(2)
    window = Window((16, 16), (5, 5))
    kernels = rng.normal(size=(12, 1, 5, 5))
    kernels -= kernels.mean(axis=(2, 3), keepdims=True)
    ops = (
        Input("x", shape=(256, 12), dtype=FLOAT),
        Linear("stem", ("x",), weight=np.eye(12), bias=np.zeros(12)),
        Activation("relu", ("stem",), function="relu"),
        Conv2d("edges", ("relu",), window=window, groups=12, weight=kernels, bias=np.zeros(12)),
        Linear("head", ("edges",), weight=np.eye(12), bias=np.zeros(12)),
    )
    graph = Graph("net", ops, "head")
    bright = rng.uniform(1, 20, (40, 1, 12)) + rng.normal(0, 0.1, (40, 256, 12))
    noise = {}
    for rounding in ("nearest", "gptq"):
        recipe = Recipe(LayerConfig(rounding=rounding))
        network = convert(graph, calibrate(graph, torch.from_numpy(bright).float(), recipe), recipe)
        weights = network["edges"].weight[:, 0].astype(np.int64)
        noise[rounding] = np.abs(weights.sum(axis=(1, 2))).mean()
        assert run(network, network.input.quantisation.rounded(bright[:1], "int8"))["head"].shape[-1] == 12
    assert noise["gptq"] < 0.3 * noise["nearest"], noise
