"""Scales of an attention: drawn together where that rounds less."""

import numpy as np

from pointwise.model.quantise.attention_plan import smooth_scales, trusted_context
from pointwise.model.quantise.norm import rounding_noise


def test_scales_are_drawn_together_where_that_lowers_the_noise():
    """A channel of small range and much weight: its fine steps spoil the rounding of the weights of a row."""
    rng = np.random.default_rng(5)
    finest = np.exp(rng.normal(0, 2, 24)) / 127
    weight = rng.normal(0, 1, (16, 24))
    mean_square = (finest * 40) ** 2
    drawn = smooth_scales(finest, weight, mean_square)
    assert rounding_noise(weight, drawn, mean_square) < 0.9 * rounding_noise(weight, finest, mean_square)
    assert (drawn >= finest * (1 - 1e-9)).all(), "none may clip"
    assert np.array_equal(np.argsort(drawn), np.argsort(finest)), "none may overtake another"


def test_scales_that_are_best_stay():
    """Weights that undo the ranges leave all channels of a row alike: the finest steps are the best."""
    finest = np.array([1.0, 0.5, 0.25, 0.125])
    weight = np.ones((3, 4)) / finest
    assert np.array_equal(smooth_scales(finest, weight, (finest * 40) ** 2), finest)


def test_a_channel_that_held_little_on_few_images_may_hold_more_on_others():
    low, high = np.array([-8.0, -0.1, 1.0]), np.array([8.0, 0.1, 13.0])
    wide = np.full(3, 99.0)
    np.testing.assert_allclose(trusted_context(low, high, -wide, wide), [[-12, -4, -2], [12, 4, 16]])


def test_the_context_is_not_expected_beyond_the_values_that_it_is_a_mean_of():
    low, high = np.array([-8.0, -0.1]), np.array([8.0, 0.1])
    low_v, high_v = np.array([-9.0, -0.05]), np.array([99.0, 3.0])
    np.testing.assert_allclose(trusted_context(low, high, low_v, high_v), [[-9, -0.1], [12, 3]])
