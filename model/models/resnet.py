"""ResNets as graphs: those of torchvision by their names of modules, and those of CIFAR's size."""

import re
from collections.abc import Mapping

from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.graph.window import around

from .pictures import PictureBuilder

LARGE_STEM = 7
"""Kernel of the first convolution of networks for large images, behind which their size is halved twice."""


def resnet(state: Mapping[str, Tensor], size: tuple[int, int], name: str = "resnet") -> GraphNetwork:
    """The network of real numbers that a state dict in torchvision's names is of.

    Stages, blocks, widths and the stem are read off the tensors: with a first kernel of 7 × 7 it has a stride
    of 2 and a maximum behind it, with any other neither. Every stage but the first halves the picture; in
    bottlenecks the second convolution does (as torchvision has it).

    Args:
        state: ``conv1``, ``bn1``, ``layer1.0.conv1`` and so on. size: height and width of the image.

    Raises:
        PointwiseError: a tensor is missing, or the image is too small.
    """
    if "conv1.weight" not in state or "layer1.0.conv1.weight" not in state:
        raise PointwiseError("the checkpoint lacks conv1 and layer1, which a ResNet has; check what it is of")
    builder = PictureBuilder(state, size)
    large = state["conv1.weight"].shape[-1] == LARGE_STEM
    kernel = int(state["conv1.weight"].shape[-1])
    step = 2 if large else 1
    x = builder.stem("conv1", "bn1", (step, step), around(kernel // 2))
    x = builder.activation("relu", x, "relu")
    if large:
        x = builder.max_pool("maxpool", x, (3, 3), (2, 2), around(1))
    for block, stride in _blocks(state):
        x = _block(builder, block, x, stride)
    return builder.network(name, builder.linear("fc", builder.mean("avgpool", x)))


def _blocks(state: Mapping[str, Tensor]) -> list[tuple[str, int]]:
    """Names of the blocks in order, and their strides."""
    found = sorted(
        {
            (int(match[1]), int(match[2]))
            for key in state
            if (match := re.match(r"layer(\d+)\.(\d+)\.conv1\.weight$", key))
        }
    )
    return [(f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1) for stage, index in found]


def _block(builder: PictureBuilder, block: str, x: str, stride: int) -> str:
    bottleneck = f"{block}.conv3.weight" in builder.state
    strides = (1, stride, 1) if bottleneck else (stride, 1)
    made = x
    for index, step in enumerate(strides, start=1):
        conv = f"{block}.conv{index}"
        padding = around(int(builder.state[f"{conv}.weight"].shape[-1]) // 2)
        groups = builder.channels[made] // int(builder.state[f"{conv}.weight"].shape[1])
        made = builder.conv(conv, made, f"{block}.bn{index}", (step, step), padding, groups)
        if index < len(strides):
            made = builder.activation(f"{block}.relu{index}", made, "relu")
    if f"{block}.downsample.0.weight" in builder.state:
        x = builder.conv(f"{block}.downsample.0", x, f"{block}.downsample.1", (stride, stride))
    return builder.activation(f"{block}.relu", builder.add(f"{block}.add", made, x), "relu")
