"""MobileNet-V2 and EfficientNet-Lite as graphs, by timm's names of modules, which both have the same."""

import re
from collections.abc import Mapping

from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.graph import GraphNetwork

from . import efficientnet_lite, mobilenet_v2
from .inverted import Inverted, InvertedBuilder
from .pictures import EPSILON, PictureBuilder

NORMAL, LITE = tuple(stride for _, stride in mobilenet_v2.STAGES), efficientnet_lite.STRIDES
"""Strides of the first block of each stage."""


def is_lite(state: Mapping[str, Tensor]) -> bool:
    """Whether it is an EfficientNet-Lite: the third stage has kernels of five."""
    return "blocks.2.0.conv_dw.weight" in state and state["blocks.2.0.conv_dw.weight"].shape[-1] == 5


def timm_inverted(
    state: Mapping[str, Tensor], size: tuple[int, int], name: str, same: bool | None = None
) -> GraphNetwork:
    """The network of real numbers that a state dict is of; its widths are those of the tensors.

    Args:
        state: ``conv_stem``, ``bn1``, ``blocks.0.0.conv_dw`` and so on, ``conv_head``, ``bn2``,
            ``classifier``. size: height and width of the image.
        same: TensorFlow's padding and epsilon, which no tensor tells: of networks whose names begin with
            ``tf_``. An EfficientNet-Lite has them unless told otherwise.

    Raises:
        PointwiseError: a tensor is missing, a block multiplies channels by numbers of the image's own, or the
            image is too small.
    """
    if (gate := next((key for key in state if ".se." in key), None)) is not None:
        raise PointwiseError(
            f"the checkpoint has {gate}, which multiplies channels by numbers of the image's own; the core "
            "does not know that, take an EfficientNet-Lite, which has none"
        )
    places = sorted(
        (int(match[1]), int(match[2]))
        for key in state
        if (match := re.match(r"blocks\.(\d+)\.(\d+)\.conv_dw\.weight$", key))
    )
    strides, lite = (LITE, True) if is_lite(state) else (NORMAL, False)
    stages = len({stage for stage, _ in places})
    if stages != len(strides):
        raise PointwiseError(
            f"the checkpoint has {stages} stages of blocks, where {len(strides)} were expected; check what "
            "it is of"
        )
    same = lite if same is None else same
    epsilon = efficientnet_lite.EPSILON if same else EPSILON
    blocks = [_block(state, stage, index, strides[stage] if index == 0 else 1) for stage, index in places]
    made = InvertedBuilder(PictureBuilder(state, size, epsilon), same)
    return made.network(name, ("conv_stem", "bn1"), blocks, ("conv_head", "bn2"), "classifier")


def _block(state: Mapping[str, Tensor], stage: int, index: int, stride: int) -> Inverted:
    name = f"blocks.{stage}.{index}"
    if f"{name}.conv_pwl.weight" not in state:
        depthwise, project = (f"{name}.conv_dw", f"{name}.bn1"), (f"{name}.conv_pw", f"{name}.bn2")
        return Inverted(name, None, depthwise, project, stride)
    layers = ((f"{name}.conv_pw", f"{name}.bn1"), (f"{name}.conv_dw", f"{name}.bn2"))
    return Inverted(name, *layers, (f"{name}.conv_pwl", f"{name}.bn3"), stride)
