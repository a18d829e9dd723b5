"""Calibration sees what the float network computes."""

import numpy as np
import pytest
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.deit import DeiT
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import Graph, run_float
from pointwise.model.graph.ops import Conv2d, Input, Linear, MeanPool
from pointwise.model.graph.value import FLOAT
from pointwise.model.graph.window import Window
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise.calibrate import calibrate
from pointwise.model.quantise.recipe import LayerConfig, Recipe
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(
    image_size=6,
    patch=2,
    in_channels=3,
    dim=12,
    depth=2,
    heads=3,
    mlp_ratio=2,
    classes=5,
    distilled=True,
    norm_eps=0.01,
)


@pytest.fixture(scope="module")
def net() -> DeiTNetwork:
    return DeiTNetwork(CONFIG, synthetic_checkpoint(CONFIG).state)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return synthetic_images(CONFIG, 5)


def test_second_moments_of_what_hardly_varies_can_be_inverted(net):
    """Nearly white pictures: what is left without the mean is small against it."""
    white = 1000 + 1e-3 * torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    seen = net.calibrate(white, Recipe(), 2)
    for record in seen.records.values():
        moments = record.moments(1e-2)
        if moments.second is not None:
            assert np.linalg.eigvalsh(moments.corrected.matrix)[0] > 0


def by_hand(source: DeiTNetwork, images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Some recorded tensors, (samples, channels), as PyTorch's modules compute them."""
    net = DeiT.from_state(CONFIG, source.state)
    with torch.inference_mode():
        x = net.embed(images)
        block = net.blocks[0]
        normal = torch.nn.functional.layer_norm(x, (CONFIG.dim,), eps=CONFIG.norm_eps)
        qkv = block.attn.qkv(block.norm1(x))
        x = x + block.attn(block.norm1(x))
        hidden = block.mlp.fc1(block.norm2(x))
    return {
        "pixels": images.transpose(0, 1).flatten(1).T,
        "blocks.0.norm1": normal.flatten(0, 1),
        "blocks.0.attn.q": qkv[..., : CONFIG.dim].flatten(0, 1),
        "blocks.0.attn.k": qkv[..., CONFIG.dim : 2 * CONFIG.dim].flatten(0, 1),
        "blocks.0.attn.v": qkv[..., 2 * CONFIG.dim :].flatten(0, 1),
        "blocks.0.mlp.act.input": hidden.reshape(-1, 1),
        "blocks.0.mlp.act": torch.nn.functional.gelu(hidden).flatten(0, 1),
    }


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_records_are_those_of_the_tensors_in_any_batch(net, images, batch):
    seen = net.calibrate(images, Recipe(LayerConfig(range="minmax")), batch=batch)
    assert seen.images == 5
    for name, exact in by_hand(net, images).items():
        low, high = seen[name].min_max(symmetric=False)
        # GELU's result has one range: its channels share a table.
        alone = exact.reshape(-1, seen[name].range.channels)
        assert np.allclose(low, alone.amin(0), atol=1e-5), name
        assert np.allclose(high, alone.amax(0), atol=1e-5), name
        assert np.allclose(seen[name].mean, exact.mean(0), atol=1e-5), name


def test_second_moments_are_kept_where_rounding_wants_them(net, images):
    quiet = LayerConfig(rounding="nearest")
    recipe = Recipe(quiet, (("blocks.0.mlp.fc2", {"rounding": "gptq"}),))
    seen = net.calibrate(images, recipe, batch=2)
    kept = [name for name, record in seen.records.items() if record.moments(1.0).second is not None]
    assert kept == ["blocks.0.mlp.act"]
    exact = by_hand(net, images)["blocks.0.mlp.act"].double()
    scale, centre = np.linspace(0.1, 0.3, 24), np.linspace(-1, 1, 24)
    steps = (exact.numpy() - centre) / scale
    moments = seen["blocks.0.mlp.act"].moments(scale, centre)
    assert np.allclose(moments.mean, steps.mean(0), rtol=1e-4, atol=1e-4)
    assert np.allclose(moments.power, (steps**2).mean(0), rtol=1e-4, atol=1e-4)
    assert np.allclose(moments.second, steps.T @ steps / len(steps), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("granularity", "count"), [("tensor", 1), ("head", 3), ("channel", 12)])
def test_channels_share_a_range_as_the_recipe_says(net, images, granularity, count):
    seen = net.calibrate(images, Recipe(LayerConfig(range="minmax", granularity=granularity)))
    low, high = seen["blocks.0.attn.q"].min_max(symmetric=False)
    groups = by_hand(net, images)["blocks.0.attn.q"].reshape(-1, count, 12 // count)
    assert np.allclose(low, np.repeat(groups.amin(dim=(0, 2)).numpy(), 12 // count), atol=1e-5)
    assert np.allclose(high, np.repeat(groups.amax(dim=(0, 2)).numpy(), 12 // count), atol=1e-5)


@pytest.mark.parametrize(("granularity", "count"), [("tensor", 1), ("channel", 4)])
def test_channels_of_pictures_share_a_range_as_the_recipe_says(granularity: str, count: int) -> None:
    """Its result has one range of its own, whatever the recipe."""
    rng = np.random.default_rng(3)
    weight, size = rng.normal(size=(4, 2, 1, 1)), np.array([1.0, 2.0, 4.0, 8.0])
    ops = (
        Input("x", shape=(9, 2), dtype=FLOAT),
        Conv2d(
            "conv",
            ("x",),
            window=Window((3, 3), (1, 1)),
            weight=size[:, None, None, None] * weight,
            bias=size,
        ),
        MeanPool("mean", ("conv",)),
        Linear("head", ("mean",), weight=rng.normal(size=(3, 4)), bias=np.zeros(3)),
    )
    graph = Graph("net", ops, "head")
    x = rng.normal(size=(5, 9, 2)).astype(np.float32)
    seen = calibrate(graph, x, Recipe(LayerConfig(range="minmax", granularity=granularity)))
    exact = run_float(graph, torch.from_numpy(x))
    for name, groups in (("conv", count), ("head", 1)):
        values = exact[name].reshape(-1, groups, exact[name].shape[-1] // groups)
        limits = np.stack(seen[name].range.min_max(symmetric=False))
        assert np.allclose(limits, [values.amin(dim=(0, 2)), values.amax(dim=(0, 2))], atol=1e-5)


def test_all_names_are_there_with_their_channels(net, images):
    records = net.calibrate(images, Recipe()).records
    width = {name: record.channels for name, record in records.items()}
    block = {"norm1": 12, "norm2": 12, "attn.q": 12, "attn.k": 12, "attn.v": 12, "attn.context": 12}
    block |= {"mlp.act.input": 1, "mlp.act": 24}
    expected = {f"blocks.{index}.{name}": count for index in range(2) for name, count in block.items()}
    assert width == expected | {"pixels": 3, "patches": 12, "norm": 12, "x": 1, "head": 1}


def test_queries_and_keys_are_kept_head_by_head(net, images):
    sample = net.calibrate(images, Recipe(), batch=2).attention["blocks.0.attn.s"]
    keys = by_hand(net, images)["blocks.0.attn.k"].reshape(5, CONFIG.tokens, 3, 4)
    assert np.allclose(sample.k, keys.transpose(1, 2), atol=1e-5)
    assert sample.q.shape == (5, 3, CONFIG.tokens, 4)


def test_progress_counts_images(net, images):
    calls = []
    net.calibrate(images, Recipe(), batch=2, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize("shape", [(0, 3, 6, 6), (4, 1, 6, 6), (4, 3, 8, 6), (3, 6, 6)])
def test_images_of_another_shape_are_told_in_a_sentence(net, shape):
    with pytest.raises(PointwiseError, match="calibration images have the shape"):
        net.calibrate(np.zeros(shape), Recipe())


def test_images_that_are_not_finite_are_told_in_a_sentence(net):
    with pytest.raises(PointwiseError, match="calibration images hold values that are not finite"):
        net.calibrate(np.full((2, 3, 6, 6), np.nan), Recipe())
