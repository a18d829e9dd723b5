"""LayerNorm to int8 against float64, with and without outlier channels, and the choice of channel shifts."""

import numpy as np
import pytest
import torch

from pointwise.model.evaluate import sqnr_db
from pointwise.model.integer.layernorm import normalise, statistics, token_sums
from pointwise.model.quantise.norm import equalised, plan_norm, rounding_noise, shifts
from pointwise.model.quantise.ranges.minmax import MinMax
from pointwise.model.quantise.recipe import LayerConfig
from pointwise.model.quantise.scales import norm_constants
from pointwise.model.quantise.statistics import TensorObserver

SEED = 31
EPSILON = 1e-6


def stream(channels: int, outlier: float, tokens: int = 400) -> np.ndarray:
    """A residual stream in which every 50th channel, from the third on, is ``outlier`` times as large."""
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    size = np.exp(rng.normal(0, 0.2, channels))
    size[3::50] *= outlier
    return rng.normal(0, 1, (tokens, channels)) * size + rng.normal(0, 0.3, channels)


def x_hat(x: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)


def plan_for(x: np.ndarray, outputs: int = 64):
    record = TensorObserver("norm", MinMax(x.shape[1]))
    record.update(torch.from_numpy(x_hat(x)))
    weight = np.random.default_rng(SEED + 1).normal(0, 1, (outputs, x.shape[1]))
    # Training makes γ small where x̂ is large.
    return plan_norm(record, [weight / np.sqrt(record.mean_square)]), record


@pytest.mark.parametrize("outlier", [1.0, 40.0])
@pytest.mark.parametrize("channels", [48, 192, 768])
def test_int8_result_against_float64(channels, outlier):
    x = stream(channels, outlier)
    scale = np.abs(x).max() * 1.5 / 32767
    integers = np.floor(x / scale + 0.5).astype(np.int64)
    plan, _ = plan_for(x)
    constants = norm_constants(channels, plan.step, scale, EPSILON, "norm")
    stats = statistics(*token_sums(integers), constants)
    got = normalise(integers, *stats, plan.shift) * plan.scale
    exact = x_hat(x)
    assert sqnr_db(exact, got) >= 36
    # Channel by channel too, so that large ones do not hide small ones: a channel may lose half of its range,
    # or
    # 6 dB, to a factor of two.
    assert sqnr_db(exact / exact.std(axis=0), got / exact.std(axis=0)) >= 35


@pytest.mark.parametrize("outlier", [1.0, 40.0])
@pytest.mark.parametrize("channels", [48, 192, 768])
def test_statistics_against_float64(channels, outlier):
    x = stream(channels, outlier)
    scale = np.abs(x).max() * 1.5 / 32767
    integers = np.floor(x / scale + 0.5).astype(np.int64)
    constants = norm_constants(channels, 0.03, scale, EPSILON, "norm")
    mean, mult, shift = statistics(*token_sums(integers), constants)
    # The mean is a multiple of a half: that close, and what the 16 bits of 1/H leave.
    average = integers.mean(axis=1)
    assert (np.abs(average - mean / 2) <= 0.25 + 2**-8 + np.abs(average) * 2**-16).all()
    inverse = 2 * mult * 2.0 ** -shift.astype(float) * 0.03  # of real σ, in steps of the residual
    exact = 1 / np.sqrt(integers.var(axis=1) + EPSILON / scale**2)
    assert sqnr_db(exact, inverse) >= 60


def test_outliers_get_a_shift_and_ordinary_channels_keep_a_fine_step():
    plan, record = plan_for(stream(192, 40.0))
    ordinary = np.ones(192, bool)
    ordinary[3::50] = False
    assert plan.shift[~ordinary].min() > plan.shift[ordinary].max()
    assert (plan.scale * 127 * (1 + 1e-6) >= record.largest()).all()
    used = record.largest() / plan.scale
    assert np.median(used[ordinary]) > 63


def test_no_channel_is_clipped_and_none_uses_less_than_half_of_its_range_for_nothing():
    plan, record = plan_for(stream(48, 1.0))
    used = record.largest() / plan.scale
    assert used.max() <= 127 * (1 + 1e-6)
    assert (used[plan.shift > 0] > 63).all()


def test_equalising_finds_moves_that_lower_the_noise_and_never_clips():
    rng = np.random.default_rng(SEED)
    weight, mean_square = rng.normal(0, 1, (40, 32)), np.ones(32)
    # Two channels whose weights are small may be coarser; all others are as they should be.
    weight[:, :2] *= 0.02
    shift = shifts(np.full(32, 4.0), 4.0 / 127)
    moved = equalised(weight, 4.0 / 127, shift, mean_square)
    assert (moved >= shift).all() and (moved[:2] > 0).all()
    scale = 4.0 / 127
    assert rounding_noise(weight, scale * 2.0**moved, mean_square) < rounding_noise(
        weight, np.full(32, scale), mean_square
    )
    for channel in range(32):
        for change in (1, -1):
            other = moved.astype(int)
            other[channel] += change
            if other[channel] >= shift[channel]:
                assert rounding_noise(weight, scale * 2.0**other, mean_square) >= rounding_noise(
                    weight, scale * 2.0**moved, mean_square
                ) * (1 - 1e-6)


@pytest.mark.parametrize("factors", ["none", "range", "error"])
def test_factors_are_what_the_recipe_says(factors):
    x = stream(48, 40.0)
    record = TensorObserver("norm", MinMax(48))
    record.update(torch.from_numpy(x_hat(x)))
    plan = plan_norm(record, [np.ones((4, 48))], LayerConfig(factors=factors))
    assert (plan.scale * 127 * (1 + 1e-6) >= record.largest()).all()
    assert (plan.shift.max() > 0) == (factors != "none")
