"""Training aware of quantisation on images in files: from a float checkpoint to integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.evaluate import compare, integer_logits
from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph
from pointwise.model.images.sample import sample
from pointwise.model.images.stream import Labelled, Stream
from pointwise.model.optimisation import reproducible
from pointwise.model.parallel import digest_of

from .convert import integer_network
from .stream import StreamRecipe, fit_stream
from .train import QatRecipe, with_quantisers


@dataclass(frozen=True)
class PictureResult:
    """What training gives.

    Attributes:
        network: the integers after it, of the best epoch.
        images: how many held-out ones the integers were measured on.
        float_right, before, after: top-1 of them in per cent: of the float network, and of the integers
            before and after training.
        unreadable: names of images that cannot be read.
    """

    network: Graph
    images: int
    float_right: float
    before: float
    after: float
    unreadable: tuple[str, ...]


def train_on_pictures(
    source: FloatNetwork,
    train: Labelled,
    held_out: Labelled,
    recipe: QatRecipe,
    path: Path,
    *,
    calibration: int = 100,
    measured: int = 100,
    threads: int = 1,
    workers: int = 0,
    step: Callable[[int, int], None] = lambda done, total: None,
    epoch: Callable[[int, float, float], None] = lambda number, loss, accuracy: None,
) -> PictureResult:
    """Put quantisers into a float network, train it on with images in files, and make integers of it.

    Args:
        source: the float network.
        train, held_out: to learn from; to choose the epoch by, and to measure on.
        recipe: its ``training`` is a `StreamRecipe`.
        path: file from which an interrupted training goes on; removed at the end.
        calibration, measured: images for the ranges of what no quantiser trains, and
            to measure the integers on. threads: of torch. workers: processes that read images.
        step, epoch: as in `fit_stream`.

    Raises:
        PointwiseError: a quantiser that cannot be used, a bad recipe, images that cannot be read, or a file
            of another training.
    """
    training = recipe.training
    assert isinstance(training, StreamRecipe)
    streams = Stream(train, training.batch, workers), Stream(held_out, training.batch, workers)
    given, lost = sample(train.images, train.preprocessing, calibration, training.seed)
    pixels = torch.from_numpy(given)
    shown, labels, lost_too = _few(held_out, measured)
    digest = digest_of(source.graph.ops, recipe, given, shown, *_named(train), *_named(held_out))
    notes = asdict(recipe)
    with reproducible(training.seed, threads):
        quantised = with_quantisers(source, pixels, recipe)

        def integers() -> Graph:
            return integer_network(quantised, source, pixels, notes)

        before = integers()
        fit_stream(quantised, *streams, training, path, digest, step=step, epoch=epoch)
        network = integers()
        exact = source.results(torch.from_numpy(shown))

        def right(network: Graph) -> float:
            found = compare(exact, integer_logits(network, shown), labels).top1_integer
            assert found is not None  # there are labels
            return found

        of_float = compare(exact, exact, labels).top1_float
        assert of_float is not None
        unreadable = sorted({*lost, *lost_too, *streams[0].unreadable, *streams[1].unreadable})
        result = PictureResult(
            network, len(shown), of_float, right(before), right(network), tuple(unreadable)
        )
    path.unlink(missing_ok=True)
    return result


def _few(data: Labelled, count: int) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Some of the images that can be read, spread over all: pixels, labels, and the names of the others."""
    chosen = data.images.first(count)
    places = {file.name: index for index, file in enumerate(data.images.files)}
    part = Labelled(chosen, data.labels[[places[file.name] for file in chosen.files]], data.preprocessing)
    stream = Stream(part, count, 0)
    batches = list(stream())
    if not batches:
        raise PointwiseError(f"None of the images of {data.images.root} can be read; give images that can.")
    pixels, labels = (torch.cat(tensors).numpy() for tensors in zip(*batches, strict=True))
    return pixels, labels, tuple(stream.unreadable)


def _named(data: Labelled) -> tuple[object, ...]:
    """What a training depends on of its images, without reading them all."""
    return [file.name for file in data.images.files], data.labels, data.preprocessing
