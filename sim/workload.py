"""What to run: a network by name, with weights, images and, where there are some, labels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hw.contract.errors import PointwiseError
from model import digits
from model.checkpoints import MICRO_DIGITS, Checkpoint, load_checkpoint
from model.integer.network import IntegerNetwork
from model.networks import network
from model.quantise import quantise
from model.synthetic import synthetic_checkpoint, synthetic_images

SYNTHETIC_CALIBRATION = 16
"""Made-up images that a made-up checkpoint is calibrated on."""
CALIBRATION_SEED = 1
"""Calibration images grow from another seed than those that are run."""


@dataclass(frozen=True)
class Workload:
    """A quantised network and what to run on it.

    Attributes:
        name: of the network. checkpoint: its float weights. network: its integers.
        images: (B, colours, S, S) float32, normalised. labels: (B,) or None.
    """

    name: str
    checkpoint: Checkpoint
    network: IntegerNetwork
    images: np.ndarray
    labels: np.ndarray | None


def load_workload(
    model: str, checkpoint: Path | None, count: int, progress: Callable[[int, int], None] | None = None
) -> Workload:
    """Get a network ready to run.

    The micro-DeiT comes with its checkpoint, is calibrated on digits of the training set and runs on held-out
    ones. The large networks take a checkpoint file, or made-up weights where none is given, and made-up
    images.

    Args:
        model: a name of ``model.networks.NETWORKS``. count: images to run.
        progress: of the calibration: images done, images in all.

    Raises:
        PointwiseError: an unknown name, too many images, or a checkpoint that does not fit.
    """
    config = network(model)
    if count < 1:
        raise PointwiseError(f"{count} images were asked for; give at least 1")
    if model == "micro":
        data = digits.load()
        if count > len(data.held_out):
            raise PointwiseError(
                f"{count} images were asked for, but {len(data.held_out)} digits are held out"
            )
        weights = load_checkpoint(checkpoint or MICRO_DIGITS, config)
        calibration = data.calibration.normalised()
        images, labels = data.held_out.normalised()[:count], data.held_out.labels[:count]
    else:
        weights = load_checkpoint(checkpoint, config) if checkpoint else synthetic_checkpoint(config)
        calibration = synthetic_images(config, SYNTHETIC_CALIBRATION, CALIBRATION_SEED).numpy()
        images, labels = synthetic_images(config, count).numpy(), None
    integers = quantise(weights.state, config, calibration, name=model, progress=progress)
    return Workload(model, weights, integers, images, labels)
