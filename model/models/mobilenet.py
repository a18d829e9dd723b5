"""MobileNet-V1 as a graph, by the names of modules that Hugging Face's library has."""

from collections.abc import Mapping

from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.graph.window import same_padding

from .pictures import PictureBuilder

PREFIX = "mobilenet_v1"
EPSILON = 1e-3
"""Of its batch norms, as TensorFlow has them."""
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
"""Of the depthwise convolutions."""


def mobilenet_v1(
    state: Mapping[str, Tensor], size: tuple[int, int], name: str = "mobilenet_v1"
) -> GraphNetwork:
    """The network of real numbers that a state dict is of; its widths are those of the tensors.

    Padding is TensorFlow's, the odd row and column below and to the right.

    Args:
        state: ``mobilenet_v1.conv_stem``, ``mobilenet_v1.layer.0`` and so on, ``classifier``. size: height
            and width of the image.

    Raises:
        PointwiseError: a tensor is missing, or the image is too small.
    """
    if f"{PREFIX}.conv_stem.convolution.weight" not in state:
        raise PointwiseError("the checkpoint lacks conv_stem, which a MobileNet has; check what it is of")
    builder = PictureBuilder(state, size, EPSILON)
    stem = f"{PREFIX}.conv_stem"
    padding = same_padding(size, (3, 3), (2, 2))
    x = builder.stem(f"{stem}.convolution", f"{stem}.normalization", (2, 2), padding)
    x = builder.activation(f"{stem}.activation", x, "relu6")
    for index, stride in enumerate(STRIDES):
        for layer, (kernel, step) in ((2 * index, (3, stride)), (2 * index + 1, (1, 1))):
            part = f"{PREFIX}.layer.{layer}"
            groups = int(state[f"{part}.convolution.weight"].shape[0]) if kernel == 3 else 1
            around = same_padding(builder.sizes[x], (kernel, kernel), (step, step))
            conv = (f"{part}.convolution", x, f"{part}.normalization")
            x = builder.conv(*conv, (step, step), around, groups)
            x = builder.activation(f"{part}.activation", x, "relu6")
    return builder.network(name, builder.linear("classifier", builder.mean("avgpool", x)))
