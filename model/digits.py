"""The handwritten digits that ship inside scikit-learn, split once and for all.

1797 images of 8×8 pixels with values 0 to 16 (Alpaydin and Kaynak, UCI, 1998). Nothing is
downloaded. The held-out images are for one purpose: to measure a finished network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

PIXEL_MAX = 16
"""The largest pixel value; the smallest is 0."""

MEAN = 0.5
"""Subtracted from a pixel scaled to [0, 1]."""

STD = 0.5
"""Then divided by. With this mean, a pixel p becomes (p - 8) / 8: 17 levels that int8 holds exactly."""

SPLIT_SEED = 20
"""Fixes which images are held out and which calibrate. Part of every published accuracy: never change it."""

HELD_OUT_SHARE = 0.2
CALIBRATION_IMAGES = 100


@dataclass(frozen=True)
class DigitImages:
    """Some of the digits.

    Attributes:
        pixels: uint8 [count, 1, 8, 8], 0 to `PIXEL_MAX`.
        labels: int64 [count], 0 to 9.
        indices: int64 [count], positions in scikit-learn's order.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def normalised(self) -> NDArray[np.float32]:
        """Return what the network takes in, float32 [count, 1, 8, 8]."""
        return normalise(self.pixels)


@dataclass(frozen=True)
class Digits:
    """The split of the digits.

    Attributes:
        train: 1437 images, for training and every choice on the way.
        held_out: 360 images, 20 % of all, for measuring only.
        calibration: 100 of the training images, for quantisation; ten of a class, give or take one.
    """

    train: DigitImages
    held_out: DigitImages
    calibration: DigitImages


def normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pixels of 0 to `PIXEL_MAX` as the network takes them: (p / 16 - 0.5) / 0.5 in float32.

    Every step is exact in float32, so any other order of the operations gives the same bits.
    """
    return (pixels.astype(np.float32) / np.float32(PIXEL_MAX) - np.float32(MEAN)) / np.float32(STD)


def load() -> Digits:
    """Return the digits; the same split each time, with the classes in equal shares."""
    images, labels = load_digits(return_X_y=True)

    def select(indices: NDArray[np.int64]) -> DigitImages:
        pixels = images[indices].astype(np.uint8).reshape(-1, 1, 8, 8)
        return DigitImages(pixels, labels[indices].astype(np.int64), indices)

    train, held_out = train_test_split(
        np.arange(len(labels)), test_size=HELD_OUT_SHARE, stratify=labels, random_state=SPLIT_SEED
    )
    _, calibration = train_test_split(
        train, test_size=CALIBRATION_IMAGES, stratify=labels[train], random_state=SPLIT_SEED
    )
    return Digits(*(select(np.sort(part)) for part in (train, held_out, calibration)))
