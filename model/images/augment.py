"""An image, cut and mirrored at random: what training sees in place of the same picture again and again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError

from .prepare import colours_of, normalised, read
from .preprocessing import INTERPOLATIONS, Preprocessing

ATTEMPTS = 10
"""Shapes of a cut that are tried before the whole picture is taken."""
LEAST_RATIO = 3 / 4
"""Of the sides of a cut; the greatest is 4/3."""


@dataclass(frozen=True)
class Augmentation:
    """What is left to chance.

    Attributes:
        least_area: share of the picture that a cut has at least; 1 leaves pictures whole.
        mirror: turn left and right round, in half of the cases. Digits and letters do not take it.

    Raises:
        PointwiseError: there is no such cut.
    """

    least_area: float = 0.5
    mirror: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.least_area <= 1:
            raise PointwiseError(
                f"cuts are to have {self.least_area} of a picture's area at least; give more than 0 and at "
                "most 1"
            )


def augmented(
    path: str | Path, how: Preprocessing, chance: Augmentation, rng: np.random.Generator
) -> np.ndarray:
    """Return a cut of the image in a file as the network takes it, filtered and normalised as others are.

    Returns:
        (colours, size, size) float32, normalised.

    Raises:
        UnreadableImageError: as ``prepare``. PointwiseError: likewise.
    """
    image = read(path, colours_of(how))
    cut = image.resize(
        (how.size, how.size), INTERPOLATIONS.index(how.interpolation), _box(image, chance, rng)
    )
    if chance.mirror and rng.random() < 0.5:
        cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return normalised(cut, how)


def _box(
    image: Image.Image, chance: Augmentation, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a cut of random area, shape and place."""
    width, height = image.size
    limits = np.log([LEAST_RATIO, 1 / LEAST_RATIO])
    for _ in range(ATTEMPTS if chance.least_area < 1 else 0):
        area = width * height * rng.uniform(chance.least_area, 1)
        ratio = np.exp(rng.uniform(*limits))
        across, down = float(np.sqrt(area * ratio)), float(np.sqrt(area / ratio))
        if across <= width and down <= height:
            left, top = rng.uniform(0, width - across), rng.uniform(0, height - down)
            return left, top, left + across, top + down
    return 0, 0, width, height
