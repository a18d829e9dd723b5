"""Networks by name, quantised, with images to run: trained where they are, else made up."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import pointwise as pw
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends import FloatNetwork
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.graph import Graph
from pointwise.model.images.preprocessing import Preprocessing, timm
from pointwise.model.models.made_up import PICTURES, made_up, made_up_images, tensors_of
from pointwise.model.models.recognise import usual_preprocessing
from pointwise.model.models.vision import VISION, vision_transformer
from pointwise.model.networks import network
from pointwise.model.quantise import LayerConfig, Recipe
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.trained import TRAINED, trained
from pointwise.sim.workload import CALIBRATION_SEED, SYNTHETIC_CALIBRATION, Workload

Note = Callable[[str], None]
BATCH = 4
"""Images at a time: the patches of a large one take some 15 MB."""
QUICK_CALIBRATION = 2
"""Images that are calibrated on where nobody looks at the accuracy."""
QUICK = Recipe(LayerConfig(rounding="nearest", factors="range"))
"""The usual recipe without what takes longest."""


@dataclass(frozen=True)
class Named:
    """A network of ``TRAINED``, ``PICTURES`` or ``VISION``.

    Attributes:
        source: of real numbers. calibration: images to calibrate on where nobody gives others.
        images, labels: to run; None where they are made up, or nobody has classified them.
        preprocessing: how pictures in files become such images. guess: why that is a guess; None where it is
            known.
    """

    source: FloatNetwork
    calibration: np.ndarray
    images: np.ndarray | None
    labels: np.ndarray | None
    preprocessing: Preprocessing
    guess: str | None

    def first(self, count: int) -> np.ndarray:
        """So many of the images, also of made-up ones.

        Raises:
            PointwiseError: there are not that many.
        """
        if self.images is None:
            assert isinstance(self.source, GraphNetwork)
            return made_up_images(self.source, count).numpy()
        if count > len(self.images):
            name, have = self.source.name, len(self.images)
            raise PointwiseError(f"{count} images were asked for, but {name} has {have}")
        return self.images[:count]


def named_network(name: str | None, note: Note = lambda text: None) -> Named | None:
    """The network of a name; None where the name is another one's.

    A trained one whose package is not installed gets made-up weights, where it has any.

    Args:
        note: told that they are made up.

    Raises:
        PointwiseError: a network is not installed that there is trained alone.
    """
    if name is None or not is_named(name):
        return None
    try:
        found = trained(name)
    except PointwiseError as error:
        if name not in PICTURES and name not in VISION:
            raise
        note(f"{name} has made-up weights: {error}")
        found = None
    if found is not None:
        return Named(found.source, found.calibration, found.images, found.labels, found.preprocessing, None)
    source = _with_made_up_weights(name)
    calibration = made_up_images(source, SYNTHETIC_CALIBRATION, CALIBRATION_SEED).numpy()
    colours, side, _ = source.input_shape
    how = usual_preprocessing(tensors_of(name)) if name in PICTURES else timm(side, colours)
    return Named(
        source, calibration, None, None, how, "the usual one of such networks, whose weights are made up"
    )


def named_workload(
    name: str | None,
    count: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    note: Note = lambda text: None,
    every: bool = False,
) -> Workload | None:
    """A network by name, quantised, with images; None where the name is another one's, see ``named_network``.

    Args:
        count: of images to run; 1 unless given. progress: of the calibration.
        note: told what is worth saying.
        every: unless ``count`` is given, all images that a trained network has.

    Raises:
        PointwiseError: no image was asked for, or more than there are; or as ``named_network``.
    """
    if count is not None and count < 1 and is_named(name):
        raise PointwiseError(f"{count} images were asked for; give at least 1")
    found = named_network(name, note)
    if found is None:
        return None
    images = found.images if every and count is None and found.images is not None else found.first(count or 1)
    labels = None if found.labels is None else found.labels[: len(images)]
    integers = pw.quantise(pw.calibrate(found.source, found.calibration, batch=BATCH, progress=progress))
    return Workload(found.source.name, found.source, integers, images, labels)


def is_named(name: str | None) -> bool:
    """Whether a name is one of ``named_network``."""
    return name is not None and (name in PICTURES or name in TRAINED or name in VISION)


def _with_made_up_weights(name: str) -> GraphNetwork:
    """A network of ``PICTURES`` or ``VISION``."""
    return made_up(name) if name in PICTURES else vision_transformer(VISION[name], name)


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
