"""VGGs with batch norms as graphs, by torchvision's names of modules."""

from collections.abc import Mapping
from itertools import pairwise

from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.graph.window import around

from .pictures import PictureBuilder

POOLED = 7
"""Height and width of the picture that the classifier reads."""


def vgg(state: Mapping[str, Tensor], size: tuple[int, int], name: str = "vgg") -> GraphNetwork:
    """The network of real numbers that a state dict in torchvision's names is of.

    Which of ``features`` are convolutions is read off the tensors; where their count leaves one out, a
    maximum stands. The first linear layer is a convolution over all of the last picture.

    Args:
        state: ``features.0``, ``features.1`` and so on, ``classifier.0``, ``.3`` and ``.6``. size: height and
            width of the image, 32 times 7 each.

    Raises:
        PointwiseError: a tensor is missing, or the image has another size.
    """
    if tuple(size) != (32 * POOLED, 32 * POOLED):
        raise PointwiseError(f"{name} takes images of 224 by 224 pixels, not {size[0]} by {size[1]}")
    convs = sorted(
        int(key.split(".")[1])
        for key, value in state.items()
        if key.startswith("features.") and key.endswith(".weight") and value.ndim == 4
    )
    if not convs or "classifier.6.weight" not in state:
        raise PointwiseError("the checkpoint lacks features or classifier, which a VGG has; check what it is")
    builder = PictureBuilder(state, size)
    x = builder.stem("features.0", "features.1", (1, 1), around(1))
    x = builder.activation("features.2", x, "relu")
    for before, index in pairwise(convs):
        if index - before > 3:
            x = builder.max_pool(f"features.{before + 3}", x, (2, 2), (2, 2))
        x = builder.conv(f"features.{index}", x, f"features.{index + 1}", padding=around(1))
        x = builder.activation(f"features.{index + 2}", x, "relu")
    x = builder.max_pool(f"features.{convs[-1] + 3}", x, (2, 2), (2, 2))
    x = builder.whole("classifier.0", x)
    x = builder.linear("classifier.3", builder.activation("classifier.1", x, "relu"))
    x = builder.linear("classifier.6", builder.activation("classifier.4", x, "relu"))
    return builder.network(name, x)
