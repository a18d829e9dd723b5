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
from pointwise.model.hub import name_of
from pointwise.model.images.find import find_images
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.images.sample import sample
from pointwise.model.models.made_up import PICTURES
from pointwise.model.models.vision import VISION
from pointwise.model.networks import NETWORKS, DeiTConfig, network
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.trained import TRAINED

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


def with_images(
    name: str,
    weights: Checkpoint,
    count: int,
    progress: Callable[[int, int], None] | None = None,
    quantised: Graph | None = None,
    given: tuple[np.ndarray, np.ndarray | None] | None = None,
) -> Workload:
    """Get a network ready to run.

    Networks of the digits' size are calibrated on digits of the training set and run on held-out ones; all
    others are calibrated and run on made-up images.

    Args:
        name, weights: as ``load_weights`` gives them. count: images to run.
        progress: of the calibration: images done, images in all.
        quantised: integers to take instead of quantising, see ``quantised_of``.
        given: images (B, colours, S, S) and labels (B,) or None to run instead.

    Raises:
        PointwiseError: too many images, or none.
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
    source = pw.load(weights, name=name)
    integers = quantised
    if integers is None:
        integers = pw.quantise(pw.calibrate(source, usual_calibration(weights.config), progress=progress))
    return Workload(name, source, integers, images, labels)


def load_weights(
    model: str | None, checkpoint: Path | None, heads: int | None = None, ema: bool = False
) -> tuple[str, Checkpoint]:
    """Return a name and the weights: of a checkpoint, or those that come with a network.

    Args:
        model: a name of ``model.networks.NETWORKS``, which the checkpoint must fit; None takes the network of
            the checkpoint, or micro. checkpoint: a file or folder of any layout; None takes the weights that
            ship with micro, and made-up ones for others. heads, ema: as in `load_checkpoint`.

    Raises:
        PointwiseError: an unknown name, or a checkpoint that does not fit.
    """
    if checkpoint is not None:
        weights = load_checkpoint(checkpoint, None if model is None else network(model), heads=heads, ema=ema)
        return model or name_of(checkpoint), weights
    if model in PICTURES or model in VISION or model in TRAINED:
        raise PointwiseError(
            f"{model} is known by its operators alone, and this works on networks of the form of DeiT; "
            f"choose one of {', '.join(sorted(NETWORKS))}, or a checkpoint of one with --checkpoint"
        )
    if model in (None, "micro"):
        return "micro", load_checkpoint(MICRO_DIGITS, NETWORKS["micro"])
    return model, synthetic_checkpoint(network(model))


def of_digits(config: DeiTConfig) -> bool:
    """Whether a network takes the digits that come with the project."""
    return (config.image_size, config.in_channels, config.classes) == (8, 1, 10)


def usual_calibration(config: DeiTConfig) -> np.ndarray:
    """Images to calibrate on where there are none of one's own: digits, or made-up ones."""
    if of_digits(config):
        return digits.load().calibration.normalised()
    return synthetic_images(config, SYNTHETIC_CALIBRATION, CALIBRATION_SEED).numpy()


def calibration_and_images(
    config: DeiTConfig, calibration: int, images: int, files: tuple[Path, Preprocessing] | None = None
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Images to calibrate on, and others to compare on.

    Args:
        calibration, images: at most so many of each.
        files: a folder or a list of images, see `find_images`, and how they are prepared; they are chosen at
            random, always the same. Else they are digits, or made up.

    Returns:
        Both as (B, colours, S, S) float32, and the names of images that cannot be read.

    Raises:
        PointwiseError: none of them were asked for, or there are too few.
    """
    if min(calibration, images) < 1:
        raise PointwiseError("Give at least 1 image to calibrate on and 1 to compare on.")
    if files is not None:
        path, how = files
        found, unreadable = sample(find_images(path), how, calibration + images)
        if len(found) <= calibration:
            raise PointwiseError(
                f"of the images of {path}, {len(found)} can be read, and {calibration} are to calibrate on; "
                "give more images, or a smaller --calibration"
            )
        return found[:calibration], found[calibration:], unreadable
    if of_digits(config):
        data = digits.load()
        return data.calibration.normalised()[:calibration], data.held_out.normalised()[:images], ()
    calibrated = synthetic_images(config, calibration, CALIBRATION_SEED).numpy()
    return calibrated, synthetic_images(config, images).numpy(), ()
