"""The figures of the measure, by hand; and integers that are compared with the float network."""

import numpy as np
import pytest

from pointwise.model.evaluate import integer_logits
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.networks import DeiTConfig
from pointwise.model.real.fidelity import fidelity, float_features, integer_features, nearest
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(image_size=8, patch=4, in_channels=3, dim=24, depth=1, heads=2, mlp_ratio=2, classes=24)


def test_figures_by_hand():
    exact = np.array([[3.0, 4.0], [4.0, 3.0], [-5.0, 0.0]])
    got = exact + np.array([[0.0, 0.5], [0.0, 0.0], [0.05, 0.0]])
    tokens = np.ones((3, 2, 2))
    figures = fidelity(exact, tokens, got, tokens * 1.1)
    assert figures.sqnr_db == pytest.approx(10 * np.log10(75 / 0.2525))
    assert figures.worst_db == pytest.approx(20.0)
    assert figures.cosine == pytest.approx((9 + 18) / (5 * np.hypot(3, 4.5)))
    assert figures.tokens_db == pytest.approx(20.0)
    assert figures.neighbours == 100


def test_the_nearest_is_by_angle_and_never_itself():
    rows = np.array([[1.0, 0.0], [100.0, 1.0], [0.0, 1.0], [1.0, 20.0]])
    assert nearest(rows).tolist() == [1, 0, 3, 2]
    turned = rows.copy()
    turned[2] = [1.0, 0.1]
    assert fidelity(rows, rows[:, None], turned, turned[:, None]).neighbours < 100


def test_features_of_the_integers_follow_the_float_networks():
    weights = synthetic_checkpoint(CONFIG)
    images = synthetic_images(CONFIG, 8, 1).numpy()
    network = DeiTNetwork(CONFIG, weights.state).quantise(images)
    exact = float_features(weights.state, CONFIG, images)
    logits, tokens = integer_features(network, weights.state, CONFIG, images)
    np.testing.assert_array_equal(logits, integer_logits(network, images))
    assert exact.shape == tokens.shape == (8, 5, 24)
    assert fidelity(exact[:, 0], exact, tokens[:, 0], tokens).tokens_db > 20
