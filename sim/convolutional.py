"""Checkpoints of convolutional networks in the commands: what they are calibrated on and what they run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph
from pointwise.model.images.described import named
from pointwise.model.models.made_up import made_up_images
from pointwise.model.models.recognise import Pictured, convolutional
from pointwise.model.quantise import load_network

from .by_name import Named, is_named, named_network
from .pictures import NOTE, Preparation, preparation, read_pictures
from .workload import CALIBRATION_SEED, SYNTHETIC_CALIBRATION, Workload

BATCH = 4
"""Images at a time: the patches of a large one take some 15 MB."""
FEW = 4
"""Made-up images that are run unless told otherwise."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PictureRun:
    """A workload of such a checkpoint.

    Attributes:
        prepared: how images in files were prepared; None where there are none. unreadable: of them, by name.
    """

    workload: Workload
    prepared: Preparation | None
    unreadable: tuple[str, ...]


def pictured(
    model: str | None,
    checkpoint: Path | None,
    heads: int | None,
    ema: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> Pictured | Named | None:
    """A network that commands know by its pictures: ``convolutional_checkpoint``, or ``named_network``.

    Args:
        note: told what is worth saying.

    Raises:
        PointwiseError: as these, or heads were named of a network by name.
    """
    if checkpoint is not None or not is_named(model):
        return convolutional_checkpoint(model, checkpoint, heads, ema)
    if heads is not None:
        raise PointwiseError(f"{model} has the heads that it has; leave out --heads, or give a checkpoint")
    return named_network(model, note)


def convolutional_checkpoint(
    model: str | None, checkpoint: Path | None, heads: int | None, ema: bool = False
) -> Pictured | None:
    """The convolutional network of a checkpoint; None where it is of none, or there is no checkpoint.

    Raises:
        PointwiseError: as ``convolutional``, or a model or heads were named as well, which it has not.
    """
    if checkpoint is None or checkpoint.suffix.lower() == ".onnx":
        return None
    found = convolutional(checkpoint, ema=ema)
    if found is not None and (model, heads) != (None, None):
        raise PointwiseError(
            f"{checkpoint} is of {found.layout}, whose dimensions its tensors tell; leave out --model and "
            "--heads"
        )
    return found


def preparation_of(
    found: Pictured | Named, asked_for: str | None, info: dict[str, Any] | None = None
) -> Preparation:
    """How its images are prepared: as a person asked for, or its integers, its checkpoint or its kind say.

    Args:
        info: of its integers, where there are some.

    Raises:
        PointwiseError: what is asked for gives other images than the network takes.
    """
    colours, side, _ = found.source.input_shape
    if asked_for is not None:
        return Preparation(named(asked_for, side, colours), "as --preprocess says")
    if info is not None and NOTE in info:
        return preparation(None, None, info)
    how = found.preprocessing.made_for(side, colours, "The preprocessing of the checkpoint")
    known = "as its own images are" if isinstance(found, Named) else "as the checkpoint says"
    return Preparation(how, found.guess or known, found.guess is not None)


def picture_run(
    found: Pictured | Named,
    network: Path | None,
    images: Path | None,
    count: int | None,
    preprocess: str | None,
    progress: Progress | None = None,
) -> PictureRun:
    """The network quantised, or the integers of a file, and images to run.

    Without integers it is calibrated on made-up images: for images of one's own they are to be made first, of
    others, by ``pointwise quantise``.

    Args:
        network: integers. images: a folder or a list; made-up ones unless given.
        count: of images; all in files, 4 made-up ones and 1 of a network by name unless given.
        preprocess: see ``preparation_of``. progress: of the calibration.

    Raises:
        PointwiseError: no images can be read, or the integers are of another network.
    """
    if count is not None and count < 1:
        raise PointwiseError(f"{count} images were asked for; give at least 1")
    source = found.source
    integers = None if network is None else _integers(network, found)
    prepared, unreadable, labels = None, (), None
    if images is None:
        chosen = _shown(found, count)
        labels = (
            found.labels[: len(chosen)] if isinstance(found, Named) and found.labels is not None else None
        )
    else:
        prepared = preparation_of(found, preprocess, None if integers is None else integers.info)
        classes = int(source.graph.values[source.graph.output].channels)
        pictures = read_pictures(
            images,
            prepared.preprocessing,
            count,
            labels=lambda files: files.labels(classes, getattr(found, "class_names", None)),
        )
        chosen, labels, unreadable = pictures.pixels, pictures.labels, pictures.unreadable
    if integers is None:
        calibration = usual_calibration(found)
        integers = pw.quantise(pw.calibrate(source, calibration, batch=BATCH, progress=progress))
    return PictureRun(Workload(source.name, source, integers, chosen, labels), prepared, unreadable)


def _shown(found: Pictured | Named, count: int | None) -> np.ndarray:
    """Images where there are none of one's own."""
    if isinstance(found, Named):
        return found.first(count or 1)
    return made_up_images(found.source, count or FEW).numpy()


def usual_calibration(found: Pictured | Named) -> np.ndarray:
    """Images to calibrate on: made-up ones, or those that belong to a network by name."""
    if isinstance(found, Named):
        return found.calibration
    return made_up_images(found.source, SYNTHETIC_CALIBRATION, CALIBRATION_SEED).numpy()


def _integers(path: Path, found: Pictured | Named) -> Graph:
    integers, given = load_network(path), found.source.input_info
    if any(integers.info.get(name) != value for name, value in given.items()):
        raise PointwiseError(
            f"The integers {path} are of a network of other images than {found.source.name}; make them of "
            "its checkpoint"
        )
    return integers
