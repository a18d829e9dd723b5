"""Made-up weights have the outliers of trained ones, and the network computes sanely with them."""

import functools

import pytest
import torch
from torch import Tensor

from pointwise.model.deit import DeiT
from pointwise.model.networks import NETWORKS, expected_shapes
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CASES = [("deit_tiny", 0), ("deit_tiny", 1), ("deit_tiny_distilled", 0)]


@functools.cache
def watched_forward(name: str, seed: int) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Return logits of eight images, the residual stream at every norm, and all attention probabilities."""
    config = NETWORKS[name]
    net = DeiT.from_state(config, synthetic_checkpoint(config, seed).state)
    streams: list[Tensor] = []
    probabilities: list[Tensor] = []
    for block in net.blocks:
        for norm in (block.norm1, block.norm2):
            norm.register_forward_pre_hook(lambda _, inputs: streams.append(inputs[0]))
        block.attn.softmax.register_forward_hook(lambda _, __, output: probabilities.append(output))
    with torch.no_grad():
        logits = net(synthetic_images(config, 8))
    return logits, streams, probabilities


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_residual_stream_has_a_few_large_channels(name: str, seed: int) -> None:
    for stream in watched_forward(name, seed)[1]:
        size = stream.square().mean((0, 1)).sqrt()
        ratio = size / size.median()
        assert 20 <= ratio.max() <= 60
        assert 0.005 <= (ratio > 6).float().mean() <= 0.05


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_gammas_have_outliers(name: str, seed: int) -> None:
    state = synthetic_checkpoint(NETWORKS[name], seed).state
    for key in expected_shapes(NETWORKS[name]):
        if "norm" in key and key.endswith("weight"):
            assert state[key].max() > 3 * state[key].median()
            assert state[key].min() < 0.2 * state[key].median()


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_attention_is_neither_uniform_nor_one_hot(name: str, seed: int) -> None:
    tokens = NETWORKS[name].tokens
    for probabilities in watched_forward(name, seed)[2]:
        entropy = -(probabilities * probabilities.clamp_min(1e-30).log()).sum(-1)
        attended = entropy.mean((0, 2)).exp()  # per head, in tokens
        assert attended.min() > 2
        assert attended.max() < 0.95 * tokens
        assert attended.min() < 0.3 * tokens, "at least one head is sharp"


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_logits_spread_and_depend_on_the_image(name: str, seed: int) -> None:
    logits = watched_forward(name, seed)[0]
    assert torch.isfinite(logits).all()
    assert 1 < logits.std(1).mean() < 6
    assert logits.std(0).mean() > 0.3 * logits.std(1).mean()
    assert len(set(logits.argmax(1).tolist())) >= 3


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    config = NETWORKS["micro"]
    first, again, other = (synthetic_checkpoint(config, seed).state for seed in (3, 3, 4))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first)


def test_weights_are_the_published_ones() -> None:
    """A change of the numbers changes everything that was ever measured with them."""
    state = synthetic_checkpoint(NETWORKS["deit_tiny"], 0).state
    assert list(state) == list(expected_shapes(NETWORKS["deit_tiny"]))
    total = sum(value.double().abs().sum().item() for value in state.values())
    assert total == pytest.approx(282030.1, rel=1e-6)


def test_images_are_photograph_like() -> None:
    config = NETWORKS["deit_tiny"]
    images = synthetic_images(config, 4)
    assert images.shape == (4, 3, 224, 224)
    assert images.dtype == torch.float32
    assert torch.equal(images[:2], synthetic_images(config, 2))
    assert not torch.equal(images[0], images[1])
    assert not torch.equal(images, synthetic_images(config, 4, seed=1))
    pixels = 255 * (images * torch.tensor([0.229, 0.224, 0.225])[:, None, None])
    pixels += 255 * torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    assert (pixels - pixels.round()).abs().max() < 1e-3
    assert pixels.min() > -0.5
    assert pixels.max() < 255.5
    # Neighbours are alike, unlike in white noise, where this would be 2.
    roughness = (images[..., 1:] - images[..., :-1]).square().mean() / images.var()
    assert roughness < 0.5
