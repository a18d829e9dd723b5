"""MobileNet-V2 as a graph, by torchvision's names of modules."""

from collections.abc import Mapping

from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.graph import GraphNetwork

from .inverted import Inverted, InvertedBuilder, strides_of
from .pictures import PictureBuilder

STAGES = ((1, 1), (2, 2), (3, 2), (4, 2), (3, 1), (3, 2), (1, 1))
"""Blocks of each stage, and the stride of its first."""
STRIDES = strides_of(STAGES)


def mobilenet_v2(
    state: Mapping[str, Tensor], size: tuple[int, int], name: str = "mobilenet_v2"
) -> GraphNetwork:
    """The network of real numbers that a state dict is of; its widths are those of the tensors.

    Args:
        state: ``features.0.0``, ``features.1.conv.0.0`` and so on, ``classifier.1``. size: height and width
            of the image.

    Raises:
        PointwiseError: a tensor is missing, or the image is too small.
    """
    last = len(STRIDES) + 1
    if f"features.{last}.0.weight" not in state:
        raise PointwiseError(
            f"the checkpoint lacks features.{last}, which a MobileNet-V2 has; check what it is of"
        )
    blocks = [_block(state, index, stride) for index, stride in enumerate(STRIDES, start=1)]
    made = InvertedBuilder(PictureBuilder(state, size), same=False)
    return made.network(name, _pair("features.0"), blocks, _pair(f"features.{last}"), "classifier.1")


def _block(state: Mapping[str, Tensor], index: int, stride: int) -> Inverted:
    name = f"features.{index}"
    conv = f"{name}.conv"
    if f"{conv}.2.weight" in state and f"{conv}.1.0.weight" not in state:
        return Inverted(name, None, _pair(f"{conv}.0"), (f"{conv}.1", f"{conv}.2"), stride)
    project = (f"{conv}.2", f"{conv}.3")
    return Inverted(name, _pair(f"{conv}.0"), _pair(f"{conv}.1"), project, stride)


def _pair(name: str) -> tuple[str, str]:
    """Convolution and batch norm of a sequence."""
    return f"{name}.0", f"{name}.1"
