"""Integers that a command works on: those of a file, or made of a checkpoint."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import Checkpoint
from pointwise.model.graph import Graph
from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.models.recognise import Pictured
from pointwise.model.quantise import load_network
from pointwise.sim.convolutional import picture_run, pictured
from pointwise.sim.pictures import Preparation, preparation, read_pictures
from pointwise.sim.workload import Workload, load_weights, of_digits, with_images

INPUT_SEED = 2
"""Made-up inputs of a network that was made of no checkpoint grow from it."""


def quantised_of(network: Path | None, name: str, weights: Checkpoint) -> Graph | None:
    """The integers of a file, of which a checkpoint has the real network; None where there is no file.

    Raises:
        PointwiseError: the file cannot be read, or is of a network of other dimensions.
    """
    integers = None if network is None else load_network(network)
    if integers is not None and integers.info.get("config") != weights.config.to_dict():
        raise PointwiseError(
            f"The integers {network} are of a network of other dimensions than {name}; name theirs "
            "with --model or --checkpoint"
        )
    return integers


@dataclass(frozen=True)
class Chosen:
    """Integers to compile or to export.

    Attributes:
        network: the integers. made_up: they were calibrated on made-up images, though the weights are real.
        inputs: an image to run, (1, …), made up for a module of PyTorch; None where there are integers alone.
        prepared: how it was prepared; None where it is in no file.
    """

    network: Graph
    made_up: bool
    inputs: np.ndarray | None
    prepared: Preparation | None


def own_workload(quantised: Path, count: int | None) -> Workload | None:
    """A network of integers that was made of no checkpoint, with made-up inputs; None if it was made of one.

    Args:
        count: of inputs; 1 unless given.

    Raises:
        PointwiseError: the file cannot be read.
    """
    network = load_network(quantised)
    inputs = _made_up_inputs(network, count or 1)
    return None if inputs is None else Workload(network.name, None, network, inputs, None)


def _made_up_inputs(network: Graph, count: int) -> np.ndarray | None:
    """Inputs (B, …) of a network that has an arrangement of its own."""
    arrangement = network.info.get("arrangement")
    if not isinstance(arrangement, dict):
        return None
    shape = Arrangement.from_dict(arrangement).shape
    return np.random.default_rng(INPUT_SEED).standard_normal((count, *shape), np.float32)


def integers_of(
    network: Path | None,
    model: str | None,
    checkpoint: Path | None,
    heads: int | None = None,
    ema: bool = False,
    *,
    images: Path | None = None,
    preprocess: str | None = None,
) -> Chosen:
    """The integers of a file, or those made of a checkpoint, and with these an image to run.

    Args:
        network: the file; the others are as in ``load_weights``.
        images: a folder or list, of which the first is run; digits or made-up ones unless given.
        preprocess: how it is prepared, see ``preparation``.

    Raises:
        PointwiseError: both were named, one of them cannot be read, or there is no such image.
    """
    if images is None and preprocess is not None:
        raise PointwiseError("--preprocess is for images in files; give some with --images, or leave it out")
    weights = None
    found = pictured(model, checkpoint, heads, ema) if network is None else None
    if found is not None:
        ran = picture_run(found, None, images, 1, preprocess)
        made_up = isinstance(found, Pictured)
        return Chosen(ran.workload.network, made_up, ran.workload.images[:1], ran.prepared)
    if network is None:
        name, weights = load_weights(model, checkpoint, heads, ema)
        made = with_images(name, weights, 1)
        integers, inputs = made.network, made.images
        made_up = is_made_up(checkpoint, weights)
    elif (model, checkpoint, heads) != (None, None, None):
        raise PointwiseError(
            "--network has the integers of a network already; leave out --model, --checkpoint and --heads"
        )
    else:
        integers, made_up = load_network(network), False
        inputs = _made_up_inputs(integers, 1)
    if images is None:
        return Chosen(integers, made_up, inputs, None)
    prepared = preparation(preprocess, weights, integers.info)
    return Chosen(integers, made_up, read_pictures(images, prepared.preprocessing, 1).pixels, prepared)


def is_made_up(checkpoint: Path | None, weights: Checkpoint) -> bool:
    """Whether a checkpoint of one's own is calibrated on images that are none: see ``usual_calibration``."""
    return checkpoint is not None and not of_digits(weights.config)
