"""What ``pointwise quantise`` is asked to quantise, and the inputs that it is calibrated on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends import FloatNetwork, module_in_file
from pointwise.model.images.described import named
from pointwise.model.images.find import find_images
from pointwise.model.images.preprocessing import plain
from pointwise.model.images.sample import sample

from .by_name import Named
from .convolutional import pictured, preparation_of
from .convolutional import usual_calibration as usual_pictures
from .pictures import Preparation, preparation
from .workload import (
    CALIBRATION_SEED,
    SYNTHETIC_CALIBRATION,
    load_weights,
    of_digits,
    usual_calibration,
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Subject:
    """A network and what it is calibrated on.

    Attributes:
        inputs: (B, …) as the network takes them. origin: what they are, for people.
        prepared: how images in files were prepared; None where there are none.
        unreadable: names of images that cannot be read. class_names: of the results, where they are known.
    """

    source: FloatNetwork
    inputs: np.ndarray
    origin: str
    prepared: Preparation | None = None
    unreadable: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None


def of_checkpoint(
    model: str | None,
    checkpoint: Path | None,
    heads: int | None,
    ema: bool,
    images: Path | None,
    count: int,
    preprocess: str | None,
    reading: Progress,
    note: Callable[[str], None] = lambda text: None,
) -> Subject:
    """A network by name, or a checkpoint.

    Args:
        model, checkpoint, heads, ema: as in ``load_weights``. images: a folder or a list; digits or
            made-up ones unless given. count: as many of them, at random. preprocess: as in ``preparation``.
        reading: called with (images read, images in all). note: told what is worth saying.

    Raises:
        PointwiseError: as ``load_weights``, ``find_images`` and ``sample``.
    """
    found = pictured(model, checkpoint, heads, ema, note)
    if found is not None:
        if images is not None:
            prepared = preparation_of(found, preprocess)
            names = None if isinstance(found, Named) else found.class_names
            return _of_images(found.source, images, prepared, count, reading, names)
        origin = "made-up images: give your own with --images"
        if isinstance(found, Named) and found.images is not None:
            origin = f"images that belong to {found.source.name}"
        return Subject(found.source, usual_pictures(found), origin)
    name, weights = load_weights(model, checkpoint, heads, ema)
    source = pw.load(weights, name=name)
    if images is not None:
        prepared = preparation(preprocess, weights)
        return _of_images(source, images, prepared, count, reading, weights.class_names)
    origin = "digits" if of_digits(weights.config) else "made-up images: give your own with --images"
    return Subject(source, usual_calibration(weights.config), origin)


def of_network(
    network: FloatNetwork,
    inputs: Path | None,
    images: Path | None,
    count: int,
    preprocess: str | None,
    reading: Progress,
) -> Subject:
    """Any other network, of which nobody says what its inputs are.

    Args:
        inputs: a file of NumPy with (B, …) of them. images: a folder or a list, in its place. Without either
            inputs are made up: normally distributed.
        count, preprocess, reading: as in ``of_checkpoint``; images are as they are, from 0 to 1, unless told
            otherwise.

    Raises:
        PointwiseError: a file cannot be read, or its inputs are not the network's.
    """
    if inputs is not None:
        return Subject(network, _read(inputs), f"inputs of {inputs}")
    if images is None:
        rng = np.random.default_rng(CALIBRATION_SEED)
        made = rng.standard_normal((SYNTHETIC_CALIBRATION, *network.input_shape), np.float32)
        return Subject(network, made, "made-up inputs: give your own with --inputs or --images")
    shape = network.input_shape
    if len(shape) != 3 or shape[1] != shape[2]:
        raise PointwiseError(
            f"{network.name} takes inputs of the shape {shape}, which are no square images; give them with "
            "--inputs"
        )
    if preprocess is None:
        prepared = Preparation(plain(shape[1], shape[0]), "the network does not say", True)
    else:
        prepared = Preparation(named(preprocess, shape[1], shape[0]), "as --preprocess says")
    return _of_images(network, images, prepared, count, reading)


def first_input(inputs: Path) -> Tensor:
    """The first of a file of inputs, (1, …); raises PointwiseError where it cannot be read."""
    return torch.from_numpy(_read(inputs)[:1])


def module_of(function: str) -> FloatNetwork:
    """A module of PyTorch that a function of the user's makes, called by its file.

    Args:
        function: see ``module_in_file``.

    Raises:
        PointwiseError: as ``module_in_file`` and ``pointwise.load``.
    """
    module, example = module_in_file(function)
    place, _, made_by = function.rpartition(":")
    stem = Path(place).stem if place.endswith(".py") else place.rpartition(".")[2]
    return pw.load(module, example, name=stem if made_by == "build" else f"{stem}_{made_by}")


def _of_images(
    source: FloatNetwork,
    images: Path,
    prepared: Preparation,
    count: int,
    reading: Progress,
    class_names: tuple[str, ...] | None = None,
) -> Subject:
    pixels, unreadable = sample(find_images(images), prepared.preprocessing, count, progress=reading)
    return Subject(source, pixels, f"images of {images}", prepared, tuple(unreadable), class_names)


def _read(path: Path) -> np.ndarray:
    """An array of a file of NumPy; pickles in it are not run."""
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise PointwiseError(
            f"The inputs {path} cannot be read as a file of NumPy; save them with numpy.save."
        ) from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        raise PointwiseError(f"The inputs {path} are no array of numbers; save one with numpy.save.")
    return found.astype(np.float32)
