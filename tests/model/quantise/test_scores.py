"""Softmax times values in integers against float64, and the search for the integers of a head."""

from dataclasses import replace

import numpy as np
import pytest

from pointwise.model.evaluate import sqnr_db
from pointwise.model.graph import Quantisation
from pointwise.model.integer.convolution import convolve
from pointwise.model.integer.rounding import INT8
from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS, divide, exponentials
from pointwise.model.quantise.exponentials import exp_table
from pointwise.model.quantise.score_plan import HeadSample, ScorePlan, balance, plan_scores, search_range

SEED = 17
TOKENS = 197


def softmax(scores: np.ndarray) -> np.ndarray:
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exps / exps.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("sigma", [1, 2, 4])
@pytest.mark.parametrize("seed", [SEED, SEED + 1, SEED + 2])
def test_softmax_times_values_against_float64(sigma, seed):
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    real = rng.normal(0, sigma, (TOKENS, TOKENS))
    # Values with a mean of half their deviation in each channel, as trained ones have.
    values = rng.normal(0, 30, (TOKENS, 64)) + 15 * rng.choice([-1, 1], 64)
    values = np.clip(np.floor(values + 0.5), -128, 127).astype(np.int64)
    scale, centre, threshold = search_range(real, softmax(real))
    scores = np.clip(np.floor((real - centre) / scale + 0.5), -128, 127).astype(np.int64)
    exps = exponentials(scores, scores.max(axis=1), exp_table(scale, threshold))
    got = divide(convolve(exps, values.T), exps.sum(axis=1)) / 2**DIVIDE_FRACTION_BITS
    assert sqnr_db(softmax(scale * scores) @ values, got) >= 40
    # From real scores on, with their rounding to int8.
    assert sqnr_db(softmax(real) @ values, got) >= 38


@pytest.mark.parametrize("sigma", [2, 4])
def test_small_exponentials_are_not_lost_from_the_sum_of_a_long_row(sigma):
    real = np.random.default_rng(SEED).normal(0, sigma, (TOKENS, TOKENS))
    scale, centre, threshold = search_range(real, softmax(real))
    scores = np.clip(np.floor((real - centre) / scale + 0.5), -128, 127).astype(np.int64)
    distance = scores.max(axis=1, keepdims=True) - scores
    exact = 255 * np.exp(-scale * distance).sum(axis=1)

    def lost(table):
        return abs((table[distance].astype(float).sum(axis=1) / exact - 1).mean())

    assert threshold < 0.5
    assert lost(exp_table(scale, threshold)) < lost(exp_table(scale)) / 2


def test_rows_a_little_beyond_those_seen_keep_their_order():
    """Rows whose largest score lies a fifth of the spread above the highest, or below the lowest, maximum."""
    real = np.random.default_rng(SEED).normal(0, 2, (TOKENS, TOKENS))
    tops = real.max(axis=1)
    beyond = (tops.max() - tops.min()) / 5
    others = np.stack(
        [real[tops.argmax()] + beyond, real[tops.argmin()] - beyond, real[0] - tops[0] + tops.min() - beyond]
    )
    scale, centre, threshold = search_range(real, softmax(real))
    scores = np.clip(np.floor((others - centre) / scale + 0.5), -128, 127).astype(np.int64)
    exps = exponentials(scores, scores.max(axis=1), exp_table(scale, threshold))
    assert sqnr_db(softmax(others), exps / exps.sum(axis=1, keepdims=True)) > 30


def test_exp_table_is_the_rounded_exponential():
    table = exp_table(0.03)
    assert table.dtype == np.uint8
    assert table[0] == 255
    assert np.abs(table - 255 * np.exp(-0.03 * np.arange(256))).max() <= 0.5
    raised = exp_table(0.03, 0.3)
    assert np.array_equal(raised[table > 0], table[table > 0])
    assert raised.sum() > table.sum()


@pytest.fixture
def sample() -> HeadSample:
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    size = np.exp(rng.normal(0, 1, 16))
    q = (rng.normal(0, 1, (8, 20, 16)) * size).astype(np.float32)
    k = (rng.normal(0, 1, (8, 30, 16)) / size + rng.normal(0, 3, 16)).astype(np.float32)
    return HeadSample(q, k, np.abs(q).max(axis=(0, 1)), k.min(axis=(0, 1)), k.max(axis=(0, 1)))


def assert_head(sample: HeadSample, plan: ScorePlan, least: float) -> None:
    """The softmax of the integers is that of the head, but for so many decibels."""
    q = np.clip(np.floor(sample.q / plan.q_scale + 0.5), -128, 127)
    k = np.clip(np.floor((sample.k - plan.k_centre) / plan.k_scale + 0.5), -128, 127)
    product = plan.q_scale * plan.k_scale
    assert np.allclose(product, product[0])
    real = convolve(q, k) * product[0] / 4
    scores = np.clip(np.floor((real - plan.score_centre) / plan.score_scale + 0.5), -128, 127)
    exact = softmax(sample.q @ np.swapaxes(sample.k, 1, 2) / 4)
    assert sqnr_db(exact, softmax(scores * plan.score_scale)) >= least
    # No row may lose the order of its largest scores by clipping.
    assert (scores == 127).mean() < 0.001


def test_a_head_in_integers_has_the_softmax_of_the_head(sample):
    assert_head(sample, plan_scores(sample), 34)


def test_so_has_one_of_keys_whose_integers_are_known(sample):
    """Of 0 to 10, which lie around the 5 that is taken away from them."""
    q, k = sample.q.clip(-2, 2), np.abs(sample.k).clip(0, 10)
    fixed = {"k": Quantisation(10 / 255, INT8[0])}
    given = replace(sample, q=q, k=k, largest_q=np.full(16, 2.0), low_k=0 * k[0, 0], fixed=fixed)
    plan = plan_scores(given)
    assert np.allclose(plan.k_scale, 10 / 255) and np.allclose(plan.k_centre, 128 * 10 / 255)
    assert_head(given, plan, 30)


def test_balance_covers_both_ranges(sample):
    rng = np.random.default_rng(SEED)
    largest_q, largest_k = rng.uniform(0.1, 5, 16), rng.uniform(0.1, 5, 16)
    q_scale, k_scale = balance(largest_q, largest_k, largest_q**2 / 9, largest_k**2 / 9)
    assert (q_scale * 127 >= largest_q * (1 - 1e-9)).all()
    assert (k_scale * 127 >= largest_k * (1 - 1e-9)).all()
    assert np.allclose(q_scale * k_scale, (largest_q * largest_k).max() / 127**2)


def test_balance_bears_a_channel_that_is_always_zero():
    q, k = np.array([1.0, 0.0]), np.array([0.0, 2.0])
    q_scale, k_scale = balance(q, k, q**2, k**2)
    assert np.isfinite(q_scale * k_scale).all()
    assert (q_scale > 0).all()
