"""Images in files as batches of tensors, read by processes of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .augment import Augmentation, augmented
from .dataset import ImageSet
from .prepare import UnreadableImageError, prepare
from .preprocessing import Preprocessing

Sample = tuple[int, np.ndarray | None]
"""Number of an image, and its pixels, or None where it cannot be read."""


@dataclass(frozen=True)
class Labelled:
    """Images in files with what they show.

    Attributes:
        images: the files. labels: (B,) int64. config: they are prepared.
    """

    images: ImageSet
    labels: np.ndarray
    preprocessing: Preprocessing


class _Files(Dataset[Sample]):
    """Prepared images by their number; with ``chance`` cut at random, by seed, epoch and number alone."""

    def __init__(
        self, data: Labelled, seed: tuple[int, int] = (0, 0), chance: Augmentation | None = None
    ) -> None:
        self.data, self.seed, self.chance = data, seed, chance

    def __len__(self) -> int:
        return len(self.data.images)

    def __getitem__(self, index: int) -> Sample:
        path = self.data.images.files[index].path
        try:
            if self.chance is None:
                return index, prepare(path, self.data.preprocessing)
            rng = np.random.default_rng((*self.seed, index))
            return index, augmented(path, self.data.preprocessing, self.chance, rng)
        except UnreadableImageError:
            return index, None


def _gathered(samples: list[Sample]) -> tuple[list[int], Tensor | None, list[int]]:
    """Numbers and pixels (B, colours, S, S) of the images that can be read, and the numbers of the others."""
    good = [(index, pixels) for index, pixels in samples if pixels is not None]
    bad = [index for index, pixels in samples if pixels is None]
    stacked = torch.from_numpy(np.stack([pixels for _, pixels in good])) if good else None
    return [index for index, _ in good], stacked, bad


class Stream:
    """Batches of images in files, read by processes of their own while the network works.

    Attributes:
        unreadable: names of images that could not be read so far.

    Args:
        data: the images. batch: of them at a time. workers: processes; 0 reads them here.
    """

    def __init__(self, data: Labelled, batch: int, workers: int) -> None:
        self.data, self.batch, self.workers = data, batch, workers
        self.unreadable: set[str] = set()

    def __call__(
        self, epoch: int = 0, seed: int = 0, chance: Augmentation | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Pixels and labels; in random order where there is ``chance``, else in that of the files."""
        order = range(len(self.data.images))
        if chance is not None:
            order = np.random.default_rng((seed, epoch)).permutation(len(order)).tolist()
        loader = DataLoader(
            _Files(self.data, (seed, epoch), chance),
            self.batch,
            sampler=order,
            num_workers=self.workers,
            collate_fn=_gathered,
        )
        labels = torch.from_numpy(self.data.labels)
        for numbers, pixels, bad in loader:
            self.unreadable |= {self.data.images.files[index].name for index in bad}
            if pixels is not None:
                yield pixels, labels[numbers]


def processes(asked_for: int | None) -> int:
    """How many processes read images: as many as were asked for, or one a processor up to four."""
    return min(4, os.cpu_count() or 1) if asked_for is None else asked_for
