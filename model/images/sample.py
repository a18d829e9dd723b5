"""A few images at random, for calibration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pointwise.hw.contract.errors import PointwiseError

from .dataset import ImageSet
from .prepare import UnreadableImageError, prepare
from .preprocessing import Preprocessing


def sample(
    images: ImageSet,
    preprocessing: Preprocessing,
    count: int,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Prepare ``count`` images at random, as calibration wants them; others stand in for unreadable ones.

    Args:
        count: at most that many. seed: the same one chooses the same images.
        progress: called with (images done, images in all).

    Returns:
        (B, colours, size, size) float32, and the names of unreadable files on the way.

    Raises:
        PointwiseError: not a single image can be read.
    """
    if count < 1:
        raise PointwiseError(f"{count} images were asked for; give at least 1")
    taken, unreadable = [], []
    for index in np.random.default_rng(seed).permutation(len(images)):
        try:
            taken.append(prepare(images.files[index].path, preprocessing))
        except UnreadableImageError:
            unreadable.append(images.files[index].name)
        if progress:
            progress(len(taken), min(count, len(images)))
        if len(taken) == count:
            break
    if not taken:
        raise PointwiseError(
            f"None of the {len(images)} images of {images.root} can be read ({unreadable[0]} …); "
            "give images that can."
        )
    return np.stack(taken), tuple(unreadable)
