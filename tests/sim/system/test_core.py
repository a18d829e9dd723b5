"""Whole cores on random networks whose sizes are multiples of nothing, every tensor compared."""

import numpy as np
import pytest

from hw.contract.isa import Prologue
from hw.contract.registers import Cause
from model.compiler import compile_network
from model.compiler.random_network import random_image, random_network
from model.integer.network import IntegerNetwork, Layer
from sim.fuzz import random_memory, run_case, run_network
from sim.system.run import run_core
from tests.sim.system.cores import SHAPES, simulator

SEEDS = {"1x1": (4,), "2x2": (1, 2), "3x6": (5, 6), "16x16": (7, 8, 9, 10)}
"""Networks for each core; (11, 12, 13) for the others."""


@pytest.mark.parametrize("shape", SHAPES)
def test_random_networks(shape: str) -> None:
    for seed in SEEDS.get(shape, (11, 12, 13)):
        outcome = run_network(
            simulator(shape), SHAPES[shape], random_network(seed), seed, random_memory(seed)
        )
        assert not outcome.mismatches, f"core {shape}, seed {seed}: {outcome.mismatches[0]}"


@pytest.mark.parametrize("keys", [1028, 1029, 4096])
def test_softmax_over_the_most_channels(keys: int) -> None:
    """All scores alike, so that every exponential is 255; values at both ends, and random ones."""
    network = flat_attention(keys)
    outcome = run_network(simulator("16x16"), SHAPES["16x16"], network, 1, {"latency": 5})
    assert outcome.tensors == 2 and not outcome.mismatches, outcome.mismatches[0]


def flat_attention(keys: int) -> IntegerNetwork:
    """Two tokens with ``keys`` scores of 0, and the average of three columns of values in steps of 1/128."""
    rng = np.random.default_rng(keys)
    values = np.stack([np.full(keys, 127), np.full(keys, -128), rng.integers(-128, 128, keys)])
    zeros, ones = np.zeros(keys, np.int64), np.ones(keys, np.int64)
    scores = Layer(
        "scores", ("image",), "scores", zeros, ones, ones, np.zeros((keys, 1), np.int8), row_max=True
    )
    average = Layer(
        "average",
        ("scores",),
        "average",
        np.zeros(3, np.int64),
        np.full(3, 1 << 15),
        np.full(3, 15 + 5),
        values.astype(np.int8),
        prologue=Prologue.EXPONENTIAL,
        exp_table=np.full(256, 255),
        divide=True,
        residual=True,
    )
    return IntegerNetwork(
        name="flat",
        tokens=2,
        input_channels=1,
        input_name="image",
        residual_name="x",
        residual_init=np.zeros((2, 1), np.int16),
        layers=(scores, average),
        output="average",
        output_scale=1.0,
        input_scale=1.0,
        macs=2 * 4 * keys,
    )


@pytest.mark.parametrize("seed", range(6))
def test_fuzz(seed: int) -> None:
    outcome = run_case(seed, cores=2)
    assert not outcome.mismatches, f"repeat with: pointwise fuzz --count 1 --cores 2 --seed {seed}"


def test_every_cycle_has_one_cause() -> None:
    network = random_network(3)
    compiled = compile_network(network, SHAPES["4x4"])
    block = compiled.pack_input(random_image(network, 3))
    images = run_core(simulator("4x4"), compiled, [block, block]).images
    for image in images:
        assert sum(image.causes.values()) == image.cycles
        assert image.causes[Cause.STREAM] > 0
    # The second start finds the image checked already, and is otherwise the same.
    assert images[0].check_cycles > images[1].check_cycles == 0
    assert images[0].cycles == images[1].cycles
