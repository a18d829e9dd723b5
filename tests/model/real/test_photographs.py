"""Crops: the same for a seed, of different photographs for calibration and measure, whatever their number."""

import numpy as np
import pytest
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.real import packages
from pointwise.model.real.photographs import crop, photographs, write_crops


@pytest.fixture
def images():
    """Four photographs that can be told from each other by their red."""
    rng = np.random.default_rng(3)
    made = {}
    for index in range(4):
        pixels = rng.integers(0, 256, (30 + index, 41 - index, 3)).astype(np.uint8)
        pixels[:, :, 0] = 60 * index
        made[f"{index}.png"] = Image.fromarray(pixels)
    return made


def pixels(paths):
    return [np.asarray(Image.open(path)) for path in paths]


def every(kinds):
    return [image for paths in kinds for image in pixels(paths)]


def test_a_seed_gives_the_same_crops_and_another_one_others(images, tmp_path):
    first = every(write_crops(tmp_path / "a", images, (5, 3), 16, 1))
    again = every(write_crops(tmp_path / "b", images, (5, 3), 16, 1))
    other = every(write_crops(tmp_path / "c", images, (5, 3), 16, 2))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not any(np.array_equal(one, two) for one, two in zip(first, other, strict=True))
    assert {image.shape for image in first} == {(16, 16, 3)}


def test_calibration_and_measure_share_no_photograph_and_take_turns(images, tmp_path):
    reds = [
        [int(image[8, 8, 0]) for image in pixels(paths)]
        for paths in write_crops(tmp_path, images, (3, 4), 16, 1)
    ]
    assert reds == [[0, 120, 0], [60, 180, 60, 180]]


def test_how_many_are_calibrated_on_changes_nothing_about_the_measure(images, tmp_path):
    few, many = (write_crops(tmp_path, images, (count, 2), 16, 1)[1] for count in (1, 6))
    assert few == many and len(list((tmp_path / "calibration").iterdir())) == 6
    write_crops(tmp_path, images, (2, 2), 16, 1)
    assert len(list((tmp_path / "calibration").iterdir())) == 2, "crops of an earlier run are gone"


def test_a_crop_reaches_over_at_least_half_of_the_shorter_side():
    ramp = Image.fromarray(np.repeat(np.arange(200, dtype=np.uint8)[None], 100, axis=0))
    for seed in range(20):
        cut = np.asarray(crop(ramp, 50, np.random.default_rng(seed)))[25].astype(int)
        assert 45 <= abs(cut[-1] - cut[0]) <= 101


def test_none_of_a_kind_is_refused(images, tmp_path):
    with pytest.raises(PointwiseError, match="at least 1 crop to calibrate on and 1 to measure on"):
        write_crops(tmp_path, images, (0, 2), 16, 1)


def test_a_package_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setattr(packages, "find_spec", lambda package: None)
    with pytest.raises(PointwiseError, match=r"scikit-image is not installed; run make real"):
        photographs()
