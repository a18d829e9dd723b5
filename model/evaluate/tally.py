"""From the results of single images to the figures of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .arrays import decibels, finite
from .results import ImageResult


@dataclass(frozen=True)
class Tally:
    """What both networks made of a set of images, as the BPU paper's Table I has it.

    Attributes:
        images: that were classified. unreadable: names of those that could not be read; they count nowhere.
        top1_float, top5_float, top1_integer, top5_integer: per cent of the images; NaN without labels.
        agreement: per cent of the images given the same class by both.
        sqnr_db: power of the float logits over that of the difference, in decibels.
    """

    images: int
    unreadable: tuple[str, ...]
    top1_float: float
    top5_float: float
    top1_integer: float
    top5_integer: float
    agreement: float
    sqnr_db: float

    def to_dict(self) -> dict[str, Any]:
        """The figures for JSON; what is not known or not finite is None."""
        return finite(asdict(self))


def tally(results: Sequence[ImageResult], labels: np.ndarray | None) -> Tally:
    """Count.

    Args:
        results: one for each image of a set, in its order. labels: (images,) or None.
    """
    rows = [index for index, result in enumerate(results) if result.error is None]
    good = [results[index] for index in rows]

    def share(hits: Sequence[bool]) -> float:
        return 100 * sum(hits) / len(hits) if hits else math.nan

    def accuracy(name: str, count: int | None) -> float:
        if labels is None:
            return math.nan
        return share([labels[row] in getattr(results[row], name)[:count] for row in rows])

    signal = math.fsum(result.signal for result in good)
    noise = math.fsum(result.noise for result in good)
    return Tally(
        images=len(good),
        unreadable=tuple(result.image for result in results if result.error is not None),
        top1_float=accuracy("float_best", 1),
        top5_float=accuracy("float_best", None),
        top1_integer=accuracy("integer_best", 1),
        top5_integer=accuracy("integer_best", None),
        agreement=share([result.float_best[:1] == result.integer_best[:1] for result in good]),
        sqnr_db=decibels(signal, noise) if good else math.nan,
    )
