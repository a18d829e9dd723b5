"""Photographs that packages ship, cut into crops: some to calibrate on, others to measure on.

The two come from different photographs, as a user's calibration images are others than those that the network
meets later.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.images.prepare import prepare
from pointwise.model.images.preprocessing import Preprocessing

from .packages import folder_of

SCIKIT_IMAGE = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "clock_motion.png", "coffee.png", "coins.png",
    "grass.png", "gravel.png", "horse.png", "motorcycle_left.png", "motorcycle_right.png", "rocket.jpg",
)  # fmt: skip
"""Files in ``skimage/data``."""
SCIKIT_LEARN = ("china.jpg", "flower.jpg")
"""Files in ``sklearn/datasets/images``."""
SMALLEST = 0.5
"""The side of the smallest crop, as a part of the photograph's shorter side."""
KNOWN = {
    "chelsea.png": 285, "coffee.png": 967, "rocket.jpg": 657, "motorcycle_left.png": 665, "flower.jpg": 985,
    "china.jpg": 698,
}  # fmt: skip
"""What is on some of them, in ImageNet's numbers: Egyptian cat, espresso, missile, moped, daisy, palace."""
KINDS = ("calibration", "measure")
"""The folders of the crops."""
Watcher = Callable[[str], Callable[[int, int], None]]
"""Given what is being done, returns what is called with (steps done, steps in all)."""


def photographs() -> dict[str, Image.Image]:
    """Return the photographs by the names of their files, sorted, RGB.

    Raises:
        PointwiseError: a package is not installed, or has not the file.
    """
    places = (
        (folder_of("skimage", "scikit-image") / "data", SCIKIT_IMAGE),
        (folder_of("sklearn", "scikit-learn") / "datasets" / "images", SCIKIT_LEARN),
    )
    found = {}
    for folder, names in places:
        for name in names:
            try:
                found[name] = Image.open(folder / name).convert("RGB")
            except OSError as error:
                raise PointwiseError(
                    f"The photograph {folder / name} cannot be read ({error}); run make real to install the "
                    "version of its package that has it."
                ) from error
    return dict(sorted(found.items()))


def crop(image: Image.Image, size: int, rng: np.random.Generator) -> Image.Image:
    """Return a random square of at least half of the shorter side, mirrored or not, at size × size pixels."""
    side = int(min(image.size) * rng.uniform(SMALLEST, 1.0))
    left, top = (int(rng.integers(0, length - side + 1)) for length in image.size)
    cut = image.crop((left, top, left + side, top + side)).resize((size, size), Image.Resampling.BICUBIC)
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else cut


def random_crops(
    images: Sequence[Image.Image], count: int, size: int, seed: Sequence[int]
) -> list[Image.Image]:
    """Crops that take turns among photographs, always the same for a seed."""
    rng = np.random.default_rng(seed)
    return [crop(images[position % len(images)], size, rng) for position in range(count)]


def known(images: Mapping[str, Image.Image], size: int) -> tuple[list[Image.Image], np.ndarray]:
    """The middle of each photograph of ``KNOWN``, size × size pixels, and their classes, (B,) int64."""
    middles = [ImageOps.fit(images[name], (size, size), Image.Resampling.BICUBIC) for name in KNOWN]
    return middles, np.array(list(KNOWN.values()), np.int64)


def write_crops(
    folder: Path,
    images: Mapping[str, Image.Image],
    counts: tuple[int, int],
    size: int,
    seed: int,
) -> tuple[list[Path], list[Path]]:
    """Write crops as PNG files into ``folder``/calibration and ``folder``/measure and return their paths.

    Every other photograph, by name, is for calibration; the crops of a kind take turns among its photographs.

    Args:
        images: at least two. counts: how many crops of each kind, at least 1. size: pixels of a side.
        seed: equal ones give equal crops.

    Raises:
        PointwiseError: a count is below 1.
    """
    if min(counts) < 1:
        raise PointwiseError("Give at least 1 crop to calibrate on and 1 to measure on.")
    names = list(images)
    made: tuple[list[Path], list[Path]] = ([], [])
    for index, (kind, count) in enumerate(zip(KINDS, counts, strict=True)):
        # A generator for each kind: how many are calibrated on leaves those that are measured as they are.
        chosen = names[index::2]
        target = folder / kind
        target.mkdir(parents=True, exist_ok=True)
        for old in target.glob("*.png"):
            old.unlink()
        cut = random_crops([images[name] for name in chosen], count, size, [seed, index])
        for position, image in enumerate(cut):
            path = target / f"{position:03d}_{Path(chosen[position % len(chosen)]).stem}.png"
            image.save(path)
            made[index].append(path)
    return made


def crops(
    preprocessing: Preprocessing,
    images: Mapping[str, Image.Image],
    counts: tuple[int, int],
    seed: int,
    folder: Path,
) -> tuple[np.ndarray, np.ndarray]:
    """Write crops of photographs; returns those to calibrate on and those to measure on, normalised.

    Args:
        images: photographs by name. counts: crops of each kind. seed: of the crops. folder: where they are
            written.

    Returns:
        Two arrays (B, 3, S, S) float32.
    """
    kinds = write_crops(folder, images, counts, preprocessing.size, seed)
    calibration, measured = (np.stack([prepare(path, preprocessing) for path in paths]) for paths in kinds)
    return calibration, measured
