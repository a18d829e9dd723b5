"""What to run: a network by name, with weights, images and, where there are some, labels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model import digits
from pointwise.model.checkpoints import MICRO_DIGITS, Checkpoint, load_checkpoint
from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph
from pointwise.model.images.described import named
from pointwise.model.images.find import find_images
from pointwise.model.images.prepare import UnreadableImageError, prepare
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.networks import NETWORKS, DeiTConfig, network
from pointwise.model.quantise import load_network
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images

SYNTHETIC_CALIBRATION = 16
"""Made-up images that a made-up checkpoint is calibrated on."""
CALIBRATION_SEED = 1
"""Calibration images grow from another seed than those that are run."""


@dataclass(frozen=True)
class Workload:
    """A quantised network and what to run on it.

    Attributes:
        name: of the network. source: the real one, or None where its integers are all there is.
        network: its integers.
        images: (B, colours, S, S) float32, normalised, or what else it takes. labels: (B,) or None.
    """

    name: str
    source: FloatNetwork | None
    network: Graph
    images: np.ndarray
    labels: np.ndarray | None


def load_workload(
    model: str | None,
    checkpoint: Path | None,
    count: int,
    progress: Callable[[int, int], None] | None = None,
    *,
    heads: int | None = None,
) -> Workload:
    """``load_weights``, then ``with_images``: arguments and errors are theirs."""
    return with_images(*load_weights(model, checkpoint, heads), count, progress)


def with_images(
    name: str,
    weights: Checkpoint,
    count: int,
    progress: Callable[[int, int], None] | None = None,
    quantised: Path | None = None,
    given: tuple[np.ndarray, np.ndarray | None] | None = None,
) -> Workload:
    """Get a network ready to run.

    Networks of the digits' size are calibrated on digits of the training set and run on held-out ones; all
    others are calibrated and run on made-up images.

    Args:
        name, weights: as ``load_weights`` gives them. count: images to run.
        progress: of the calibration: images done, images in all.
        quantised: a file of integers to take instead of quantising, of the same dimensions.
        given: images and labels to run instead, the first two of what ``images_in_files`` gives.

    Raises:
        PointwiseError: too many images, or none; or the integers are of another network.
    """
    if count < 1:
        raise PointwiseError(f"{count} images were asked for; give at least 1")
    if given is not None:
        images, labels = given
    elif of_digits(weights.config):
        held_out = digits.load().held_out
        if count > len(held_out):
            raise PointwiseError(f"{count} images were asked for, but {len(held_out)} digits are held out")
        images, labels = held_out.normalised()[:count], held_out.labels[:count]
    else:
        images, labels = synthetic_images(weights.config, count).numpy(), None
    integers = None if quantised is None else load_network(quantised)
    if integers is not None and integers.info.get("config") != weights.config.to_dict():
        raise PointwiseError(
            f"The integers {quantised} are of a network of other dimensions than {name}; name theirs "
            "with --model or --checkpoint"
        )
    source = pw.load(weights, name=name)
    if integers is None:
        integers = pw.quantise(pw.calibrate(source, usual_calibration(weights.config), progress=progress))
    return Workload(name, source, integers, images, labels)


def integers_of(
    network: Path | None, model: str | None, checkpoint: Path | None, heads: int | None = None
) -> tuple[Graph, np.ndarray | None]:
    """The integers of a file, or those made of a checkpoint, and with these an image to run, (1, …).

    Args:
        network: the file; the others are as in ``load_weights``.

    Raises:
        PointwiseError: both were named, or one of them cannot be read.
    """
    if network is None:
        made = load_workload(model, checkpoint, 1, heads=heads)
        return made.network, made.images
    if (model, checkpoint, heads) != (None, None, None):
        raise PointwiseError(
            "--network has the integers of a network already; leave out --model, --checkpoint and --heads"
        )
    return load_network(network), None


def load_weights(
    model: str | None, checkpoint: Path | None, heads: int | None = None
) -> tuple[str, Checkpoint]:
    """Return a name and the weights: of a checkpoint, or those that come with a network.

    Args:
        model: a name of ``model.networks.NETWORKS``, which the checkpoint must fit; None takes the network of
            the checkpoint, or micro. checkpoint: a file or folder of any layout; None takes the weights that
            ship with micro, and made-up ones for others. heads: as in `load_checkpoint`.

    Raises:
        PointwiseError: an unknown name, or a checkpoint that does not fit.
    """
    if checkpoint is not None:
        weights = load_checkpoint(checkpoint, None if model is None else network(model), heads=heads)
        return model or Path(checkpoint).resolve().stem, weights
    if model in (None, "micro"):
        return "micro", load_checkpoint(MICRO_DIGITS, NETWORKS["micro"])
    return model, synthetic_checkpoint(network(model))


def images_in_files(
    path: Path,
    weights: Checkpoint,
    count: int | None = None,
    preprocess: str | None = None,
    *,
    labelled: bool = True,
) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]:
    """Prepare images of one's own for ``with_images``; those that cannot be read are left out.

    Args:
        path: a folder or a list, see `find_images`. count: as many, spread over all of them, or all.
        preprocess: as in ``preprocessing_of``. labelled: what they show is asked for, too; else anything may.

    Returns:
        (B, colours, S, S) float32; (B,) int64 or None where nobody says or asks what they show; and the names
        of images that cannot be read.

    Raises:
        PointwiseError: there are no images, none can be read, or their classes are not the network's.
    """
    chosen, prepared = find_images(path).first(count), preprocessing_of(weights, preprocess)
    labels = chosen.labels(weights.config.classes, weights.class_names) if labelled else None
    pixels, good, unreadable = [], [], []
    for index, file in enumerate(chosen.files):
        try:
            pixels.append(prepare(file.path, prepared))
            good.append(index)
        except UnreadableImageError as error:
            unreadable.append(file.name)
            if len(unreadable) == len(chosen):
                raise PointwiseError(str(error)) from error
    return np.stack(pixels), None if labels is None else labels[good], tuple(unreadable)


def of_digits(config: DeiTConfig) -> bool:
    """Whether a network takes the digits that come with the project."""
    return (config.image_size, config.in_channels, config.classes) == (8, 1, 10)


def usual_calibration(config: DeiTConfig) -> np.ndarray:
    """Images to calibrate on where there are none of one's own: digits, or made-up ones."""
    if of_digits(config):
        return digits.load().calibration.normalised()
    return synthetic_images(config, SYNTHETIC_CALIBRATION, CALIBRATION_SEED).numpy()


def preprocessing_of(weights: Checkpoint, asked_for: str | None) -> Preprocessing:
    """How images in files are prepared: as a person asked for, see `named`, or else as the checkpoint says.

    Raises:
        PointwiseError: neither can be used, or it gives other images than the network takes.
    """
    if asked_for is None:
        return weights.prepared
    return named(asked_for, weights.config.image_size, weights.config.in_channels)


def calibration_and_images(
    config: DeiTConfig, calibration: int, images: int
) -> tuple[np.ndarray, np.ndarray]:
    """Images to calibrate on, and others to compare on: digits, or made up; (B, colours, S, S) each.

    Raises:
        PointwiseError: none of them were asked for.
    """
    if min(calibration, images) < 1:
        raise PointwiseError("Give at least 1 image to calibrate on and 1 to compare on.")
    if of_digits(config):
        data = digits.load()
        return data.calibration.normalised()[:calibration], data.held_out.normalised()[:images]
    calibrated = synthetic_images(config, calibration, CALIBRATION_SEED).numpy()
    return calibrated, synthetic_images(config, images).numpy()
