"""Rounding methods: integers of the range, and less error than the nearest where inputs hang together."""

import sys

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.quantise.moments import Moments
from pointwise.model.quantise.rounding import ROUNDINGS
from pointwise.model.quantise.rounding.adaround import adaround

SEED = 23


@pytest.fixture
def rng() -> np.random.Generator:
    print(f"seed {SEED}")
    return np.random.default_rng(SEED)


def inputs_of(rng: np.random.Generator, columns: int, rank: int) -> np.ndarray:
    """Inputs in steps, (samples, columns), that mostly lie in a space of fewer dimensions, around a mean."""
    basis = rng.normal(0, 1, (rank, columns))
    varying = rng.normal(0, 20, (4000, rank)) @ basis / np.sqrt(rank) + rng.normal(0, 2, (4000, columns))
    return varying + rng.normal(0, 10, columns)


def moments_of(inputs: np.ndarray) -> Moments:
    return Moments(inputs.mean(axis=0), (inputs**2).mean(axis=0), inputs.T @ inputs / len(inputs))


def test_what_calibration_hardly_showed_is_not_counted_on(rng):
    """Other images hold a little in every direction, while those of calibration lie in a space of a few."""
    seen = inputs_of(rng, 96, 12)
    basis = np.linalg.svd(seen, full_matrices=False)[2][:12]
    flat = seen @ basis.T @ basis
    others = flat + rng.normal(0, 6, flat.shape)
    weight = rng.uniform(-100, 100, (24, 96))
    moments = moments_of(flat)

    def error(name: str) -> float:
        return float(((others @ (ROUNDINGS[name](weight, moments.plain, 127, 0) - weight).T) ** 2).mean())

    assert error("gptq") < 0.2 * error("nearest")


def test_inputs_that_hang_together_beyond_what_numbers_tell_apart(rng):
    """A matrix with an eigenvalue just below zero, as rounding leaves it, is damped."""
    direction = rng.normal(0, 1e6, 8)
    second = np.outer(direction, direction) - np.eye(8)
    inputs = Moments(np.zeros(8), np.diag(second).copy(), second)
    assert np.linalg.eigvalsh(inputs.plain.matrix)[0] < 0
    order, factor = inputs.plain.elimination
    assert sorted(order) == list(range(8)) and np.isfinite(factor).all()
    nothing = Moments(np.zeros(2), np.ones(2), -np.eye(2))
    with pytest.raises(PointwiseError, match="too far from each other"):
        _ = nothing.plain.elimination


@pytest.mark.parametrize("name", ROUNDINGS)
@pytest.mark.parametrize("limit", [127, 7])
def test_integers_of_the_range(rng, name, limit):
    inputs = moments_of(inputs_of(rng, 70, 10))
    weight = rng.uniform(-limit, limit, (9, 70))
    rounded = ROUNDINGS[name](weight, inputs.corrected, limit, 50)
    assert rounded.shape == weight.shape
    assert (rounded == np.floor(rounded)).all()
    assert np.abs(rounded).max() <= limit


@pytest.mark.parametrize("name", ROUNDINGS)
def test_integers_stay_as_they_are(rng, name):
    inputs = moments_of(inputs_of(rng, 20, 5))
    weight = rng.integers(-127, 128, (6, 20)).astype(float)
    assert np.array_equal(ROUNDINGS[name](weight, inputs.plain, 127, 50), weight)


@pytest.mark.parametrize(("name", "left"), [("gptq", 0.5), ("adaround", 0.6)])
def test_the_output_errs_less_than_with_the_nearest(rng, name, left):
    inputs = inputs_of(rng, 96, 12)
    weight = rng.uniform(-100, 100, (24, 96))
    moments = moments_of(inputs[:2000])

    def error(rounded: np.ndarray) -> float:
        """On inputs that the method has not seen, the mean taken out as the bias does."""
        wrong = inputs[2000:] @ (rounded - weight).T
        return float(((wrong - wrong.mean(axis=0)) ** 2).mean())

    nearest = ROUNDINGS["nearest"](weight, moments.corrected, 127, 0)
    assert error(ROUNDINGS[name](weight, moments.corrected, 127, 300)) < left * error(nearest)


def test_adaround_moves_no_weight_by_a_step(rng):
    weight = rng.uniform(-100, 100, (8, 40))
    rounded = ROUNDINGS["adaround"](weight, moments_of(inputs_of(rng, 40, 6)).corrected, 127, 200)
    assert (np.abs(rounded - weight) < 1).all()


@pytest.mark.parametrize("warm_up", [0.0, 1.0])
def test_adaround_drives_weights_to_a_side_after_the_warm_up(rng, monkeypatch, warm_up):
    """A strong drive leaves each weight at its nearest side; in the warm-up the error alone decides."""
    inputs, weight = moments_of(inputs_of(rng, 24, 4)), rng.uniform(-100, 100, (4, 24))
    module = sys.modules[adaround.__module__]  # the package has the function under its name
    monkeypatch.setattr(module, "WARM_UP", warm_up)
    monkeypatch.setattr(module, "REGULARISATION", 1e6)
    monkeypatch.setattr(module, "BETA", (2.0, 2.0))  # strong near the middle too
    nearest = np.floor(weight + 0.5)
    assert (adaround(weight, inputs.plain, 127, 50) == nearest).all() == (warm_up == 0)


def test_independent_inputs_leave_gptq_the_nearest(rng):
    weight = rng.uniform(-127, 127, (5, 130))
    inputs = Moments(np.zeros(130), rng.uniform(1, 1000, 130))
    assert np.array_equal(ROUNDINGS["gptq"](weight, inputs.plain, 127, 0), np.floor(weight + 0.5))


def test_the_error_matrix_is_the_mean_square_of_the_output(rng):
    inputs = inputs_of(rng, 12, 4)
    moments, wrong = moments_of(inputs), rng.normal(0, 1, 12)
    # Rounding each input to an integer adds a twelfth.
    extra = (wrong**2).sum() / 12
    assert wrong @ moments.plain.matrix @ wrong == pytest.approx(((inputs @ wrong) ** 2).mean() + extra)
    assert wrong @ moments.corrected.matrix @ wrong == pytest.approx((inputs @ wrong).var() + extra)
    assert np.allclose(np.diag(moments.corrected.matrix), moments.corrected.importance)


def test_inputs_that_count_as_independent_are_rounded_without_their_matrix(rng):
    """The matrix of the widest classifiers, 25,088 inputs, would take gigabytes; nothing is made up for."""
    moments = Moments(rng.normal(0, 5, 40_000), rng.uniform(30, 60, 40_000))
    weight = rng.uniform(-127, 127, (2, 40_000))
    rounded = ROUNDINGS["gptq"](weight, moments.plain, 127, 0)
    assert (rounded == ROUNDINGS["nearest"](weight, moments.plain, 127, 0)).all()
    assert "matrix" not in vars(moments.plain)
