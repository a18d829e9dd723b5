"""EfficientNet-Lite as a graph, by the names of modules that the package efficientnet_lite_pytorch has."""

import re
from collections.abc import Mapping

from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.graph import GraphNetwork

from .inverted import Inverted, InvertedBuilder
from .pictures import PictureBuilder

EPSILON = 1e-3
"""Of its batch norms, as TensorFlow has them."""
STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""Of the first block of each stage."""


def efficientnet_lite(
    state: Mapping[str, Tensor], size: tuple[int, int], name: str = "efficientnet_lite0"
) -> GraphNetwork:
    """The network of real numbers that a state dict is of: Lite0 to Lite4, by the tensors' shapes.

    A stage begins where the channels of a block's result change. Padding is TensorFlow's, the odd row and
    column below and to the right.

    Args:
        state: ``_conv_stem``, ``_bn0``, ``_blocks.0._depthwise_conv`` and so on, ``_fc``. size: height and
            width of the image.

    Raises:
        PointwiseError: a tensor is missing, the blocks are not those of seven stages, or the image is too
            small.
    """
    if "_conv_stem.weight" not in state or "_fc.weight" not in state:
        raise PointwiseError(
            "the checkpoint lacks _conv_stem or _fc, which an EfficientNet-Lite has; check what it is of"
        )
    if "_blocks.0._se_reduce.weight" in state:
        raise PointwiseError(
            "the checkpoint has _blocks.0._se_reduce, which multiplies channels by numbers of the image's "
            "own; the core knows that not, take an EfficientNet-Lite, which has none"
        )
    made = InvertedBuilder(PictureBuilder(state, size, EPSILON), same=True)
    head = ("_conv_head", "_bn1")
    return made.network(name, ("_conv_stem", "_bn0"), _blocks(state), head, "_fc")


def _blocks(state: Mapping[str, Tensor]) -> list[Inverted]:
    matches = (re.match(r"_blocks\.(\d+)\._project_conv\.weight$", key) for key in state)
    count = len([match for match in matches if match])
    widths = [0]
    for index in range(count):
        if f"_blocks.{index}._project_conv.weight" not in state:
            raise PointwiseError(f"the checkpoint lacks _blocks.{index}; check that it is whole")
        widths.append(len(state[f"_blocks.{index}._project_conv.weight"]))
    starts = [index for index in range(count) if widths[index] != widths[index + 1]]
    if len(starts) != len(STRIDES):
        raise PointwiseError(
            f"the checkpoint has {len(starts)} stages of blocks, an EfficientNet-Lite {len(STRIDES)}; "
            "check what it is of"
        )
    strides = dict(zip(starts, STRIDES, strict=True))
    return [_block(state, index, strides.get(index, 1)) for index in range(count)]


def _block(state: Mapping[str, Tensor], index: int, stride: int) -> Inverted:
    name = f"_blocks.{index}"
    expand = (f"{name}._expand_conv", f"{name}._bn0")
    depthwise, project = (
        (f"{name}._depthwise_conv", f"{name}._bn1"),
        (f"{name}._project_conv", f"{name}._bn2"),
    )
    return Inverted(name, expand if f"{expand[0]}.weight" in state else None, depthwise, project, stride)
