"""One convolution in integers: as close to the real one as int8 weights allow."""

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.quantise.moments import Moments
from pointwise.model.quantise.weights import BIAS_MAX, quantise_rows, weight_scales

SEED = 5


@pytest.fixture
def rng() -> np.random.Generator:
    print(f"seed {SEED}")
    return np.random.default_rng(SEED)


def result(rows, integers: np.ndarray) -> np.ndarray:
    """What the hardware makes of an input (K,), in steps of the result, before rounding."""
    acc = rows.weight.astype(np.int64) @ integers + rows.bias
    return acc * rows.mult.astype(float) * 2.0 ** -rows.shift.astype(float)


def test_weights_are_symmetric_and_of_the_hardware_types(rng):
    rows = quantise_rows(rng.normal(0, 1, (20, 30)), rng.normal(0, 1, 20), 0.1, "x")
    arrays = rows.weight, rows.bias, rows.mult, rows.shift
    assert [a.dtype for a in arrays] == [np.int8, np.int32, np.uint16, np.uint8]
    assert rows.weight_bits == 8
    assert (np.abs(rows.weight.astype(int)).max(axis=1) == 127).all()


def test_the_result_is_the_real_one_within_the_rounding_of_weights(rng):
    weight, bias = rng.normal(0, 0.02, (20, 30)), rng.normal(0, 1, 20)
    out_scale = rng.uniform(0.01, 0.1, 20)
    rows = quantise_rows(weight, bias, out_scale, "x")
    integers = rng.integers(-128, 128, 30)
    exact = (weight @ integers + bias) / out_scale
    allowed = (np.abs(integers).sum() + 1) * weight_scales(weight, bias) / 2 / out_scale
    assert (np.abs(result(rows, integers) - exact) <= allowed + np.abs(exact) * 2**-15).all()


@pytest.mark.parametrize("size", [1e-8, 1e-10, 1e-30, 0.0])
def test_a_row_that_is_nearly_erased_gives_its_bias(rng, size):
    weight, bias = rng.normal(0, 0.02, (3, 30)), rng.normal(0, 1, 3)
    weight[1] *= size
    for value in (bias[1], 0.0):
        bias[1] = value
        rows = quantise_rows(weight, bias, 0.1, "x")
        assert abs(result(rows, rng.integers(-128, 128, 30))[1] - value / 0.1) < 1e-3 + abs(value) * 2**-11


def test_a_zero_point_is_folded_exactly(rng):
    weight, bias = rng.normal(0, 0.02, (20, 30)), rng.normal(0, 1, 20)
    plain = quantise_rows(weight, bias, 0.1, "x")
    folded = quantise_rows(weight, bias, 0.1, "x", input_zero=13)
    assert np.array_equal(plain.weight, folded.weight)
    assert np.array_equal(folded.bias, plain.bias - 13 * plain.weight.sum(axis=1, dtype=int))


def test_the_mean_error_is_taken_out_of_the_bias(rng):
    weight, bias, mean = rng.normal(0, 0.02, (20, 30)), rng.normal(0, 1, 20), rng.normal(0, 50, 30)
    plain = quantise_rows(weight, bias, 0.01, "x")
    corrected = quantise_rows(weight, bias, 0.01, "x", Moments(mean, mean**2 + 1))
    exact = (weight @ mean + bias) / 0.01
    step = weight_scales(weight, bias) / 0.01

    def error(rows):
        return np.abs(rows.weight @ mean * step + rows.bias * step - exact)

    assert (error(corrected) <= step * 0.51).all()
    assert error(plain).max() > error(corrected).max()


def test_a_row_without_weights_still_has_its_bias():
    rows = quantise_rows(np.zeros((2, 3)), np.array([1.5, 0.0]), 0.01, "x")
    assert not rows.weight.any()
    assert result(rows, np.array([127, -128, 5])).round(1).tolist() == [150.0, 0.0]


def test_a_bias_far_above_its_weights_fits_by_coarser_weights():
    rows = quantise_rows(np.full((1, 2), 1e-9), np.array([100.0]), 0.1, "x")
    assert abs(int(rows.bias[0])) <= BIAS_MAX
    assert result(rows, np.zeros(2, int))[0] == pytest.approx(1000, rel=2**-15)


def test_errors_are_sentences():
    with pytest.raises(PointwiseError, match="The weights of fc1 are not finite"):
        quantise_rows(np.array([[np.nan]]), np.zeros(1), 0.1, "fc1")
    with pytest.raises(PointwiseError, match=r"scale factor of fc1 is .* cannot multiply"):
        quantise_rows(np.array([[1e12]]), np.zeros(1), 0.1, "fc1")
    with pytest.raises(PointwiseError, match="A bias of fc1 needs more than 32 bits"):
        quantise_rows(np.array([[1.0]]), np.zeros(1), 0.1, "fc1", input_zero=2**40)
