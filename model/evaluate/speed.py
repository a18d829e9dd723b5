"""How long the integers of a network take, beside the same network in float32."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph

from .arrays import integer_logits

BATCHES = (1, 2, 4, 8, 16, 32)
"""Images at a time."""
REPEATS = 3
"""Times that each is measured; the shortest counts, as everything else that runs makes it longer."""


@dataclass(frozen=True)
class Speed:
    """Times of one network and batch.

    Attributes:
        network: its name. batch: images at a time.
        float_s, integer_s: seconds an image, from pixels to logits. ratio: the latter over the former.
    """

    network: str
    batch: int
    float_s: float
    integer_s: float

    @property
    def ratio(self) -> float:
        """How many times as long the integers take."""
        return self.integer_s / self.float_s

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def speeds(
    source: FloatNetwork,
    network: Graph,
    images: np.ndarray,
    batches: Sequence[int] = BATCHES,
    repeats: int = REPEATS,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Speed]:
    """Measure both networks in turns, batch by batch, on this machine as it is.

    Args:
        source: of real numbers. network: its integers. images: (B, …), as many as the largest batch.
        clock: tells seconds.

    Raises:
        PointwiseError: a batch has no image, there are fewer images, or nothing is to be measured.
    """
    if not batches or min(batches) < 1 or repeats < 1:
        raise PointwiseError(f"batches of {list(batches)} were asked for, {repeats} times; give at least 1")
    if max(batches) > len(images):
        raise PointwiseError(f"a batch of {max(batches)} was asked for, but there are {len(images)} images")

    def seconds(work: Callable[[], object]) -> float:
        started = clock()
        work()
        return clock() - started

    first = np.asarray(images[:1])  # for what is made at the first use
    source.results(torch.from_numpy(first))
    integer_logits(network, first)
    for batch in batches:
        part = np.asarray(images[:batch])
        tensors = torch.from_numpy(part)
        both = (partial(source.results, tensors), partial(integer_logits, network, part))
        times = [[seconds(work) / batch for work in both] for _ in range(repeats)]
        yield Speed(network.name, batch, *(min(column) for column in zip(*times, strict=True)))
