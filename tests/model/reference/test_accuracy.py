"""What our operators keep of float64: as much as is wanted, and what limits the rest."""

import numpy as np
import pytest

from pointwise.model.reference import accuracy
from pointwise.model.reference.accuracy import gelu_table, layer_norm, softmax_values, table


@pytest.mark.parametrize("seed", [0, 3])
def test_everything_is_as_good_as_wanted(seed):
    rows = table(seed)
    assert len(rows) == 13
    for row in rows:
        assert row.met, row
    assert sum(row.wanted is not None for row in rows) == 8


@pytest.mark.parametrize("channels", [48, 768])
@pytest.mark.parametrize("outlier", [1.0, 40.0])
def test_layer_norm_of_other_widths(channels, outlier):
    inverse, result, alike = layer_norm(channels, outlier)
    assert inverse >= 60 and result >= 36 and alike >= 35


def test_values_of_mean_zero_are_near_what_uint8_leaves():
    for sigma, most in ((1.0, 0.5), (2.0, 2.5), (4.0, 4.5)):
        got, limit = softmax_values(sigma, 0.0)
        assert limit - most <= got <= limit, sigma


def test_finer_exponentials_would_lift_the_limit(monkeypatch):
    _, eight = softmax_values(2.0, 0.0)
    monkeypatch.setattr(accuracy, "UINT8", (0, 511))
    _, nine = softmax_values(2.0, 0.0)
    assert nine - eight == pytest.approx(6, abs=1)


def test_a_worse_table_is_seen(monkeypatch):
    assert gelu_table(-8, 8) <= 0.5
    monkeypatch.setattr(accuracy, "gelu", lambda x: np.maximum(x, 0))
    assert gelu_table(-8, 8) > 0.5
    rows = table()
    assert not rows[-1].met


def test_the_inverse_deviation_is_that_of_the_variance_with_what_is_added(monkeypatch):
    """With as much added as the variance itself, whose share nobody sees otherwise."""
    plain = layer_norm(192, 1)[0]
    monkeypatch.setattr(accuracy, "EPSILON", 1.0)
    assert layer_norm(192, 1)[0] == pytest.approx(plain, abs=6)
