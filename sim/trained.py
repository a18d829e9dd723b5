"""Networks that are trained, by name, with the images that belong to them: no checkpoint is to be named."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pointwise.model import handwriting
from pointwise.model.frontends import DeiTNetwork, FloatNetwork
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.images.prepare import normalised
from pointwise.model.images.preprocessing import Preprocessing, plain
from pointwise.model.models.mobilenet import mobilenet_v1
from pointwise.model.models.resnet import resnet
from pointwise.model.real import dinov2, efficientnet
from pointwise.model.real.photographs import known, photographs, random_crops
from pointwise.model.train_pictures import trained_state

CROPS, CROP_SEED = 100, 1
"""Crops of photographs that are calibrated on, and their seed."""
FEATURE_CROPS, SHOWN_CROPS = 32, 14
"""The same of a network that makes features; and crops of the other photographs, to run."""


@dataclass(frozen=True)
class Trained:
    """A trained network and its images.

    Attributes:
        source: of real numbers. calibration: images to calibrate on.
        images, labels: others, to run or to measure on; no labels where nobody has classified them.
        preprocessing: how pictures in files become such images.
    """

    source: FloatNetwork
    calibration: np.ndarray
    images: np.ndarray
    labels: np.ndarray | None
    preprocessing: Preprocessing


HANDWRITING: dict[str, Callable[..., GraphNetwork]] = {
    "resnet20": resnet,
    "mobilenet_v1_quarter": mobilenet_v1,
}
"""Networks that are trained on handwriting, and what they are built with."""


def of_handwriting(name: str) -> GraphNetwork:
    """A network of ``HANDWRITING`` without its images, which need not be installed."""
    return HANDWRITING[name](trained_state(name), (handwriting.SIDE, handwriting.SIDE), name)


def _of_handwriting(name: str) -> Trained:
    source, data = of_handwriting(name), handwriting.load()
    images, labels = data.held_out.normalised(), data.held_out.labels
    return Trained(source, data.calibration.normalised(), images, labels, plain(handwriting.SIDE, 1))


def _efficientnet_lite0() -> Trained:
    source, pictures = efficientnet.efficientnet_lite0(), photographs()
    images, labels = known(pictures, efficientnet.SIZE)
    others = random_crops(list(pictures.values())[::2], CROPS, efficientnet.SIZE, [CROP_SEED, 0])
    calibration = efficientnet.normalised(others)
    return Trained(source, calibration, efficientnet.normalised(images), labels, efficientnet.PREPROCESSING)


def _dinov2_small() -> Trained:
    weights = dinov2.dinov2_small()
    pictures, how = list(photographs().values()), weights.prepared
    calibration, images = (
        np.stack([normalised(one, how) for one in random_crops(pictures[first::2], count, how.size, seed)])
        for first, count, seed in ((0, FEATURE_CROPS, (CROP_SEED, 0)), (1, SHOWN_CROPS, (CROP_SEED, 1)))
    )
    return Trained(DeiTNetwork.of(weights, "dinov2_small"), calibration, images, None, how)


TRAINED: dict[str, Callable[[], Trained]] = {
    **{name: partial(_of_handwriting, name) for name in HANDWRITING},
    efficientnet.NAME: _efficientnet_lite0,
    "dinov2_small": _dinov2_small,
}
"""By name. What they read is not installed everywhere: ``make real`` does it."""


def trained(name: str | None) -> Trained | None:
    """The network of that name; None where there is none of that name.

    Raises:
        PointwiseError: what belongs to it is not installed.
    """
    return None if name not in TRAINED else TRAINED[name]()
