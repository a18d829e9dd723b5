import zlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pointwise.model import digits


@pytest.fixture(scope="module")
def data() -> digits.Digits:
    return digits.load()


def test_held_out_is_a_fifth_and_nothing_else_touches_it(data: digits.Digits) -> None:
    train, held_out, calibration = (
        set(part.indices) for part in (data.train, data.held_out, data.calibration)
    )
    assert (len(train), len(held_out), len(calibration)) == (1437, 360, 100)
    assert not train & held_out
    assert train | held_out == set(range(1797))
    assert calibration < train


def test_split_is_the_published_one(data: digits.Digits) -> None:
    """Published accuracies were measured with these images: a library that shuffles in another way must be
    noticed."""
    checks = [
        zlib.crc32(part.indices.astype("<i8")) for part in (data.train, data.held_out, data.calibration)
    ]
    assert checks == [1106573647, 396674096, 2380022504]


def test_classes_are_in_equal_shares(data: digits.Digits) -> None:
    everything = np.bincount(load_digits().target)
    for part in (data.train, data.held_out, data.calibration):
        assert np.abs(np.bincount(part.labels) - everything * len(part) / 1797).max() < 1


def test_pixels_and_labels_belong_together(data: digits.Digits) -> None:
    source = load_digits()
    for part in (data.train, data.held_out, data.calibration):
        assert part.pixels.shape == (len(part), 1, 8, 8)
        assert part.pixels.dtype == np.uint8
        assert np.array_equal(part.pixels[:, 0], source.images[part.indices])
        assert np.array_equal(part.labels, source.target[part.indices])


def test_normalisation_is_exact() -> None:
    pixels = np.arange(17, dtype=np.uint8)
    assert digits.normalise(pixels).dtype == np.float32
    assert np.array_equal(digits.normalise(pixels) * 8, np.arange(-8, 9))
