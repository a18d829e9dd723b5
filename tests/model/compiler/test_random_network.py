"""The generator of networks itself: the same for a seed, and worth testing with."""

import numpy as np
import pytest

from pointwise.model.compiler.packing import channel_shifts
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.shapes import Shape, random_config, random_shape
from pointwise.model.engine import fuse
from pointwise.model.engine.op import LookUp
from pointwise.model.graph import run
from tests.model.graph.equality import same


def test_a_seed_gives_the_same_network_and_config():
    first, second = random_network(4), random_network(4)
    assert all(same(a, b) for a, b in zip(first.ops, second.ops, strict=True))
    assert random_config(4) == random_config(4) and random_shape(4) == random_shape(4)
    assert random_shape(4) != random_shape(5)


def test_every_kind_of_layer_turns_up():
    ops = [op for seed in range(12) for op in fuse(random_network(seed))]
    assert {op.prologue.code for op in ops} == {0, 1, 2}
    assert {op.stationary.code for op in ops} == {0, 1, 2}
    assert any(op.prologue.unsigned for op in ops)
    assert {(op.stage(LookUp) is None, op.dtype) for op in ops} >= {
        (True, "uint8"),
        (False, "uint8"),
        (False, "int8"),
    }
    assert any(channel_shifts(op) is not None for op in ops)
    assert any(op.first for op in ops)
    assert {len(op.streamed) for op in ops} >= {1, 2, 3}


@pytest.mark.parametrize("seed", range(4))
def test_results_are_spread_over_their_range(seed: int):
    """Neither dead nor saturated throughout: else a wrong bit would not show."""
    shape = Shape(tokens=20, inputs=32, dim=32, depth=2, heads=2, head_dim=16, hidden=64, classes=10)
    network = random_network(seed, shape)
    results = run(network, random_image(network, seed))
    for name in (op.output for op in fuse(network)):
        values = results[name]
        limit = 32768 if values.max() > 255 or values.min() < -128 else 128
        assert values.std() > limit / 200, name
        assert np.mean(np.abs(values) >= limit - 1) < 0.5, name
