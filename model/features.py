"""What a frozen network makes of images: the input of its last layers, computed once and in parallel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import load_checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.images.dataset import ImageSet
from pointwise.model.images.prepare import UnreadableImageError, prepare
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.parallel import Executor, Job, digest_of, here, one_thread

PART = 8
"""Images that a process takes at a time."""


@dataclass(frozen=True)
class Features:
    """What the backbone made of a set of images.

    Attributes:
        values: (images, heads, dim) float32, the input of each head. labels: (images,) int64.
        unreadable: names of the images that are not among them.
    """

    values: Tensor
    labels: Tensor
    unreadable: tuple[str, ...]


class Backbone:
    """The frozen network, loaded once in each process."""

    def __init__(self, path: Path, heads: int | None, preprocessing: Preprocessing) -> None:
        checkpoint = load_checkpoint(here().located(path), heads=heads, backbone=True)
        self.net = DeiT.from_state(checkpoint.config, checkpoint.state)
        self.preprocessing = preprocessing

    def __call__(self, part: Mapping[int, Path]) -> dict[int, np.ndarray | None]:
        """Return the input of the heads for images by number; None for one that cannot be read."""
        features: dict[int, np.ndarray | None] = {}
        for index, path in part.items():
            try:
                pixels = torch.from_numpy(prepare(here().located(path), self.preprocessing))
            except UnreadableImageError:
                features[index] = None
                continue
            with torch.inference_mode(), one_thread():
                features[index] = self.net.features(pixels[None])[0].numpy()
        return features


def job_of(path: Path, heads: int | None, preprocessing: Preprocessing) -> Job:
    """The work of the backbone of a checkpoint."""
    return Job(
        "features",
        partial(Backbone, path, heads, preprocessing),
        digest_of(path, heads, repr(preprocessing)),
        files=(path,),
        part_files=_paths,
    )


def _paths(part: Mapping[int, Path]) -> list[Path]:
    """The files of a part."""
    return list(part.values())


def features_of(
    job: Job,
    images: ImageSet,
    labels: np.ndarray,
    executor: Executor,
    progress: Callable[[int, int], None] | None,
) -> Features:
    """Run the backbone over images.

    Args:
        job: as ``job_of`` makes it. labels: (images,) of ``images``, in its order.
        executor: what does it. progress: told (images done, images in all).

    Raises:
        PointwiseError: not a single image can be read.
    """
    everything = [(index, file.path) for index, file in enumerate(images.files)]
    parts = {str(start): dict(everything[start : start + PART]) for start in range(0, len(everything), PART)}
    found: dict[int, np.ndarray | None] = {}
    with closing(executor.run(job, parts)) as results:
        for _, part in results:
            found |= part
            if progress:
                progress(len(found), len(everything))
    readable = {index: part for index in range(len(everything)) if (part := found[index]) is not None}
    if not readable:
        raise PointwiseError(f"None of the {len(everything)} images of {images.root} can be read.")
    return Features(
        torch.from_numpy(np.stack(list(readable.values()))),
        torch.from_numpy(labels[list(readable)]),
        tuple(images.files[index].name for index in range(len(everything)) if found[index] is None),
    )
