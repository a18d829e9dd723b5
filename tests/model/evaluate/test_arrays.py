"""Comparing float and integer networks: the numbers must follow from the logits."""

import math

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.evaluate import compare, evaluate, float_logits, integer_logits, sqnr_db
from pointwise.model.evaluate.arrays import best
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.networks import DeiTConfig
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

CONFIG = DeiTConfig(image_size=4, patch=2, in_channels=1, dim=8, depth=1, heads=2, mlp_ratio=2, classes=3)


def test_sqnr():
    assert sqnr_db(np.array([10.0, 0]), np.array([9.0, 0])) == pytest.approx(20)
    assert sqnr_db(np.array([1.0]), np.array([1.0])) == math.inf
    assert sqnr_db(np.array([0.0]), np.array([1.0])) == -math.inf


def test_accuracy_and_agreement_follow_from_the_logits():
    exact = np.array([[2.0, 1], [1, 2], [2, 1], [1, 2]])
    integer = np.array([[2.0, 1], [2, 1], [1, 2], [1, 2]])
    result = compare(exact, integer, np.array([0, 1, 1, 1]))
    assert (result.top1_float, result.top1_integer, result.agreement, result.images) == (75, 75, 50, 4)
    unlabelled = compare(exact, integer, None)
    assert math.isnan(unlabelled.top1_float)
    assert math.isnan(unlabelled.top5_integer)


def test_top5_looks_at_five_and_of_equals_at_the_lower():
    """Label 6 is the fifth of the first image, and of the second the sixth, behind an equal."""
    logits = np.array([[1.0, 0, 5, 4, 3, 2.5, 2], [9, 8, 7, 6, 2, 0, 2]])
    assert best(logits).tolist() == [[2, 3, 4, 5, 6], [0, 1, 2, 3, 4]]
    result = compare(logits, -logits, np.array([6, 6]))
    assert (result.top1_float, result.top5_float) == (0, 50)
    assert (result.top1_integer, result.top5_integer) == (0, 100)


@pytest.fixture(scope="module")
def case():
    checkpoint = synthetic_checkpoint(CONFIG)
    return checkpoint, DeiTNetwork(CONFIG, checkpoint.state).quantise(synthetic_images(CONFIG, 8))


def test_batches_change_nothing(case, monkeypatch):
    checkpoint, network = case
    images = synthetic_images(CONFIG, 7, seed=2).numpy()
    calls = []
    monkeypatch.setattr("pointwise.model.evaluate.arrays.TOKENS_AT_ONCE", 15)
    source = DeiTNetwork(CONFIG, checkpoint.state)
    result = evaluate(network, source, images, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(3, 7), (6, 7), (7, 7)]
    assert np.array_equal(result.logits_integer, integer_logits(network, images))
    assert np.allclose(result.logits_float, float_logits(checkpoint.state, CONFIG, images), atol=1e-5)


def test_labels_must_fit_the_images(case):
    checkpoint, network = case
    images = synthetic_images(CONFIG, 3)
    with pytest.raises(PointwiseError, match=r"3 evaluation images, but the labels have the shape \(2,\)"):
        evaluate(network, DeiTNetwork(CONFIG, checkpoint.state), images, np.zeros(2))
    with pytest.raises(PointwiseError, match="evaluation images have the shape"):
        evaluate(network, DeiTNetwork(CONFIG, checkpoint.state), images[:0])
