"""Some images through the float and the integer network, as one process of an evaluation does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pointwise.model.checkpoints import load_checkpoint
from pointwise.model.deit import DeiT
from pointwise.model.images.prepare import UnreadableImageError, prepare
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.parallel import here, one_thread
from pointwise.model.quantise.io import load_network

from .arrays import best, integer_logits
from .results import ImageResult


@dataclass(frozen=True)
class Task:
    """What all images of an evaluation have in common: where the networks lie, how images are prepared."""

    checkpoint: Path
    heads: int | None
    network: Path
    preprocessing: Preprocessing
    ema: bool = False


class BothNetworks:
    """Both networks, loaded once in each process; calling it classifies images."""

    def __init__(self, task: Task) -> None:
        checkpoint = load_checkpoint(here().located(task.checkpoint), heads=task.heads, ema=task.ema)
        self.float = DeiT.from_state(checkpoint.config, checkpoint.state)
        self.integer = load_network(here().located(task.network))
        self.preprocessing = task.preprocessing

    def __call__(self, images: Sequence[tuple[str, str, Path]]) -> list[ImageResult]:
        """Return the results of images, each given by name, stamp and path.

        An image's numbers do not depend on its neighbours: the float network sees one at a time, as sums in
        another order would be other sums, and for the integers no order matters.
        """
        results, pixels, readable = [], [], []
        for name, stamp, path in images:
            place = here().located(path)
            try:
                pixels.append(prepare(place, self.preprocessing))
                readable.append((name, stamp))
            except UnreadableImageError as error:
                told = str(error.__cause__ or error).replace(str(place), str(path))
                results.append(ImageResult(name, stamp, error=told))
        if not pixels:
            return results
        with torch.inference_mode(), one_thread():
            floats = [self.float(torch.from_numpy(image)[None]).double().numpy() for image in pixels]
            integers = integer_logits(self.integer, np.stack(pixels))
        exact = np.concatenate(floats)
        signal, noise = (exact**2).sum(axis=1), ((exact - integers) ** 2).sum(axis=1)
        for row, (float_best, integer_best) in enumerate(zip(best(exact), best(integers), strict=True)):
            results.append(
                ImageResult(
                    *readable[row],
                    float_best=tuple(float_best.tolist()),
                    integer_best=tuple(integer_best.tolist()),
                    signal=float(signal[row]),
                    noise=float(noise[row]),
                )
            )
        return results
