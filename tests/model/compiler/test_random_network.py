"""The generator of networks itself: the same for a seed, and worth testing with."""

import numpy as np
import pytest

from model.compiler.random_network import random_image, random_network
from model.compiler.shapes import Shape, random_config, random_shape
from model.integer.network import run


def test_a_seed_gives_the_same_network_and_config():
    first, second = random_network(4), random_network(4)
    assert all(np.array_equal(a.bias, b.bias) for a, b in zip(first.layers, second.layers, strict=True))
    assert random_config(4) == random_config(4) and random_shape(4) == random_shape(4)
    assert random_shape(4) != random_shape(5)


def test_every_kind_of_layer_turns_up():
    layers = [layer for seed in range(12) for layer in random_network(seed).layers]
    assert {layer.prologue for layer in layers} == {0, 1, 2}
    assert {layer.stationary for layer in layers} == {0, 1, 2}
    assert any(layer.in_unsigned for layer in layers)
    assert any(layer.table is None and layer.out_unsigned for layer in layers)
    assert any(layer.channel_shift is not None and layer.channel_shift.any() for layer in layers)
    assert any(layer.first_token for layer in layers)
    assert {len(layer.inputs) for layer in layers} >= {1, 2, 3}


@pytest.mark.parametrize("seed", range(4))
def test_results_are_spread_over_their_range(seed: int):
    """Neither dead nor saturated throughout: else a wrong bit would not show."""
    shape = Shape(tokens=20, inputs=32, dim=32, depth=2, heads=2, head_dim=16, hidden=64, classes=10)
    network = random_network(seed, shape)
    for name, values in run(network, random_image(network, seed)).items():
        limit = 32768 if values.max() > 255 or values.min() < -128 else 128
        assert values.std() > limit / 200, name
        assert np.mean(np.abs(values) >= limit - 1) < 0.5, name
