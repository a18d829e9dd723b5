"""Networks by name, quantised, with images to run: trained where they are, else made up."""

from collections.abc import Callable

import numpy as np

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends import FloatNetwork
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.graph import Graph
from pointwise.model.models.made_up import PICTURES, made_up, made_up_images
from pointwise.model.models.vision import VISION, vision_transformer
from pointwise.model.networks import network
from pointwise.model.quantise import LayerConfig, Recipe
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.trained import TRAINED, Trained, trained
from pointwise.sim.workload import CALIBRATION_SEED, SYNTHETIC_CALIBRATION, Workload

BATCH = 4
"""Images at a time: the patches of a large one take some 15 MB."""
QUICK_CALIBRATION = 2
"""Images that are calibrated on where nobody looks at the accuracy."""
QUICK = Recipe(LayerConfig(rounding="nearest", factors="range"))
"""The usual recipe without what takes longest."""


def named_workload(
    name: str | None,
    count: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] = lambda text: None,
    every: bool = False,
) -> Workload | None:
    """A network of ``TRAINED``, ``PICTURES`` or ``VISION`` with images; None where the name is another one's.

    A trained one whose package is not installed gets made-up weights, which ``note`` is told, where it has
    any.

    Args:
        count: of images to run; 1 unless given. progress: of the calibration.
        note: told what is worth saying.
        every: unless ``count`` is given, all images that a trained network has.

    Raises:
        PointwiseError: no image was asked for, or more than there are; or a network is not installed that
            there is trained alone.
    """
    if name is None or (name not in PICTURES and name not in TRAINED and name not in VISION):
        return None
    if count is not None and count < 1:
        raise PointwiseError(f"{count} images were asked for; give at least 1")
    try:
        found = trained(name)
    except PointwiseError as error:
        if name not in PICTURES and name not in VISION:
            raise
        note(f"{name} has made-up weights: {error}")
        found = None
    if found is not None:
        return _trained_workload(name, found, count or (len(found.images) if every else 1), progress)
    source = _with_made_up_weights(name)
    calibration = made_up_images(source, SYNTHETIC_CALIBRATION, CALIBRATION_SEED)
    integers = pw.quantise(pw.calibrate(source, calibration, batch=BATCH, progress=progress))
    return Workload(name, source, integers, made_up_images(source, count or 1).numpy(), None)


def _with_made_up_weights(name: str) -> GraphNetwork:
    """A network of ``PICTURES`` or ``VISION``."""
    return made_up(name) if name in PICTURES else vision_transformer(VISION[name], name)


def _trained_workload(
    name: str, found: Trained, count: int, progress: Callable[[int, int], None] | None
) -> Workload:
    if count > len(found.images):
        raise PointwiseError(f"{count} images were asked for, but {name} has {len(found.images)}")
    labels = None if found.labels is None else found.labels[:count]
    integers = pw.quantise(pw.calibrate(found.source, found.calibration, batch=BATCH, progress=progress))
    return Workload(name, found.source, integers, found.images[:count], labels)


def quickly_quantised(name: str, count: int) -> tuple[FloatNetwork, Graph, np.ndarray]:
    """A network by name with made-up weights and images, in integers that nobody is to judge by accuracy.

    Args:
        name: of ``PICTURES``, ``VISION`` or ``model.networks.NETWORKS``. count: of images.

    Returns:
        The real network, its integers, and the images (count, …).

    Raises:
        PointwiseError: there is no network of that name.
    """
    if name in PICTURES or name in VISION:
        source = _with_made_up_weights(name)
        calibration = made_up_images(source, QUICK_CALIBRATION, CALIBRATION_SEED)
        images = made_up_images(source, count)
    else:
        weights = synthetic_checkpoint(network(name))
        source = pw.load(weights, name=name)
        calibration = synthetic_images(weights.config, QUICK_CALIBRATION, CALIBRATION_SEED)
        images = synthetic_images(weights.config, count)
    integers = pw.quantise(pw.calibrate(source, calibration, recipe=QUICK, batch=1))
    return source, integers, images.numpy()
