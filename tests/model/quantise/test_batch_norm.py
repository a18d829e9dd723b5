"""A batch norm is a factor of each output channel: in the weights or behind them, the integers are the same.

Torch2Chip folds it into the weights for 8 bits and applies it behind them below. A scale for all weights of a
layer sees what it spreads; a scale for each output channel moves with the factor.
"""

import numpy as np
import pytest

from pointwise.model.quantise.moments import Moments
from pointwise.model.quantise.recipe import LayerConfig
from pointwise.model.quantise.scales import fixed_point
from pointwise.model.quantise.weights import quantise_rows, weight_scales

OUT_SCALE = 0.125


def layer() -> tuple[np.ndarray, np.ndarray, np.ndarray, Moments]:
    """Weights (24, 40), biases, factors of batch norm from 1/32 to 32 of both signs, and inputs."""
    rng = np.random.default_rng(14)
    weight, bias = rng.normal(0, 0.02, (24, 40)), rng.normal(0, 0.3, 24)
    factor = 2.0 ** rng.uniform(-5, 5, 24) * rng.choice([-1, 1], 24)
    inputs = rng.normal(1, 20, (500, 40))
    return weight, bias, factor, Moments(inputs.mean(0), (inputs**2).mean(0), inputs.T @ inputs / len(inputs))


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("rounding", ["nearest", "gptq"])
@pytest.mark.parametrize("reach", ["minmax", "mse"])
def test_in_the_weights_or_behind_them(bits: int, rounding: str, reach: str) -> None:
    """Weights, biases, multipliers and shifts of the folded layer are those of the bare one and factors."""
    weight, bias, factor, inputs = layer()
    config = LayerConfig(weight_bits=bits, rounding=rounding, weight_range=reach)
    folded = quantise_rows(weight * factor[:, None], bias * factor, OUT_SCALE, "folded", inputs, 3, config)
    bare = quantise_rows(weight, bias, 1.0, "bare", inputs, 3, config)
    sign = np.sign(factor).astype(int)
    assert np.array_equal(folded.weight, bare.weight * sign[:, None])
    assert np.abs(folded.bias - bare.bias * sign).max() <= 1  # a bias may lie on a half
    scales = weight_scales(weight, bias, config, inputs.corrected.importance)
    mult, shift = fixed_point(scales * np.abs(factor) / OUT_SCALE, "factors")
    assert np.array_equal(folded.mult, mult)
    assert np.array_equal(folded.shift, shift)


def test_one_scale_for_a_layer_does_see_the_factors() -> None:
    """Which is a reason to keep them apart: with four bits many more weights become zeros."""
    weight, bias, factor, inputs = layer()
    config = LayerConfig(weight_bits=4, rounding="nearest", weight_granularity="tensor")
    folded = quantise_rows(weight * factor[:, None], bias * factor, OUT_SCALE, "folded", inputs, 0, config)
    bare = quantise_rows(weight, bias, 1.0, "bare", inputs, 0, config)
    assert (folded.weight == 0).mean() > 2 * (bare.weight == 0).mean()
