"""What one process of an evaluation does: some images through both networks."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from model.checkpoints import load_checkpoint
from model.deit import DeiT
from model.images.prepare import UnreadableImageError, prepare
from model.images.preprocessing import Preprocessing
from model.quantise.io import load_network

from .arrays import best, integer_logits
from .results import ImageResult


@dataclass(frozen=True)
class Task:
    """What all images of an evaluation have in common: where the networks lie, how images are prepared."""

    checkpoint: Path
    heads: int | None
    network: Path
    preprocessing: Preprocessing


class Networks:
    """Both networks, loaded once in each process."""

    def __init__(self, task: Task) -> None:
        checkpoint = load_checkpoint(task.checkpoint, heads=task.heads)
        self.float = DeiT.from_state(checkpoint.config, checkpoint.state)
        self.integer = load_network(task.network)
        self.preprocessing = task.preprocessing

    def classify(self, images: Sequence[tuple[str, str, Path]]) -> list[ImageResult]:
        """Return the results of images, each given by name, stamp and path.

        An image's numbers do not depend on its neighbours: the float network sees one at a time, as sums in
        another order would be other sums, and for the integers no order matters.
        """
        results, pixels, readable = [], [], []
        for name, stamp, path in images:
            try:
                pixels.append(prepare(path, self.preprocessing))
                readable.append((name, stamp))
            except UnreadableImageError as error:
                results.append(ImageResult(name, stamp, error=str(error.__cause__ or error)))
        if not pixels:
            return results
        with torch.inference_mode(), one_thread():
            floats = [self.float(torch.from_numpy(image)[None]).double().numpy() for image in pixels]
        exact, integers = np.concatenate(floats), integer_logits(self.integer, np.stack(pixels))
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


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: several sum in another order, and processes get in each other's way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


_networks: Networks | None = None


def start(task: Task, parent: Connection) -> None:
    """Prepare a process: its networks, and an end together with the parent's.

    Args:
        parent: the reading end of a pipe that the parent holds open as long as it wants results.
    """
    global _networks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _networks = Networks(task)


def classify(images: Sequence[tuple[str, str, Path]]) -> list[ImageResult]:
    """`Networks.classify` in a process that ``start`` prepared."""
    return _networks.classify(images)


def _end_with(parent: Connection) -> None:
    try:
        parent.recv()
    except (EOFError, OSError):
        os._exit(1)
