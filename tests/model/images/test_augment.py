"""Cuts of pictures at random."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointwise.model.images.augment import Augmentation, augmented
from pointwise.model.images.prepare import prepare
from pointwise.model.images.preprocessing import plain

HOW = plain(8)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Red grows to the right, green downwards."""
    across, down = np.meshgrid(np.arange(40), np.arange(30))
    pixels = np.stack([across * 6, down * 8, 0 * down], -1).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def cuts(picture: Path, chance: Augmentation, count: int = 40) -> np.ndarray:
    return np.stack([augmented(picture, HOW, chance, np.random.default_rng(seed)) for seed in range(count)])


def test_a_cut_is_a_part_of_the_picture_by_its_seed_alone(picture: Path) -> None:
    chance = Augmentation(0.3, mirror=False)
    made = cuts(picture, chance)
    assert made.shape == (40, 3, 8, 8) and made.dtype == np.float32
    assert np.array_equal(made, cuts(picture, chance))
    assert len({one.tobytes() for one in made}) == 40
    # Nothing is turned round, and what a cut spans is at least its share.
    assert (np.diff(made[:, 0], axis=2) > 0).all() and (np.diff(made[:, 1], axis=1) > 0).all()
    spans = np.ptp(made[:, 0], axis=(1, 2)) * np.ptp(made[:, 1], axis=(1, 2))
    whole = prepare(picture, HOW)
    assert spans.min() > 0.25 * np.ptp(whole[0]) * np.ptp(whole[1]) and spans.max() > 2 * spans.min()


def test_half_of_them_are_mirrored(picture: Path) -> None:
    made = cuts(picture, Augmentation(1, mirror=True))
    mirrored = np.diff(made[:, 0], axis=2).mean((1, 2)) < 0
    assert 10 <= mirrored.sum() <= 30
    assert np.array_equal(made[mirrored][0][:, :, ::-1], made[~mirrored][0])


def test_a_whole_picture_is_the_prepared_one_where_it_is_square(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "square.png")
    (made,) = cuts(tmp_path / "square.png", Augmentation(1, mirror=False), 1)
    assert np.array_equal(made, prepare(tmp_path / "square.png", HOW))
