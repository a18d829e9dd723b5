"""ResNet-20 and MobileNet-V1 as modules of PyTorch, to be trained: graphs are made of their state dicts."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from pointwise.model.graph.window import same_padding

from .mobilenet import EPSILON, STRIDES

WIDTHS = (16, 32, 64)
"""Channels of ResNet-20's stages, of three blocks each."""
NARROW = (32, 64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
"""Channels of MobileNet-V1 at its full width: behind the stem and behind each pair of convolutions."""


def norm(channels: int, epsilon: float = 1e-5) -> nn.BatchNorm2d:
    """A batch norm that does not count its batches, so that all of its state is real numbers."""
    made = nn.BatchNorm2d(channels, eps=epsilon)
    made.num_batches_tracked = None
    return made


class BasicBlock(nn.Module):
    """Two convolutions and what came in, by torchvision's names."""

    def __init__(self, given: int, made: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, made, 3, stride, 1, bias=False)
        self.bn1 = norm(made)
        self.conv2 = nn.Conv2d(made, made, 3, 1, 1, bias=False)
        self.bn2 = norm(made)
        self.downsample = None
        if stride > 1 or given != made:
            self.downsample = nn.Sequential(nn.Conv2d(given, made, 1, stride, bias=False), norm(made))

    def forward(self, x: Tensor) -> Tensor:
        made = torch.relu(self.bn1(self.conv1(x)))
        given = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.bn2(self.conv2(made)) + given)


class ResNet20(nn.Module):
    """He et al., *Deep Residual Learning*, CVPR 2016, section 4.2: for small images; by torchvision's names.

    Args:
        colours: of the images. classes: of the result.
    """

    def __init__(self, colours: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(colours, WIDTHS[0], 3, 1, 1, bias=False)
        self.bn1 = norm(WIDTHS[0])
        for stage, (given, made) in enumerate(pairwise((WIDTHS[0], *WIDTHS)), start=1):
            blocks = [BasicBlock(given, made, 1 if stage == 1 else 2)]
            blocks += [BasicBlock(made, made, 1) for _ in range(2)]
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        for stage in range(1, len(WIDTHS) + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))


class SameConv(nn.Module):
    """A convolution with TensorFlow's padding, a batch norm and ReLU6, by Hugging Face's names."""

    def __init__(self, given: int, made: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(given, made, kernel, stride, bias=False, groups=groups)
        self.normalization = norm(made, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        conv, size = self.convolution, (int(x.shape[-2]), int(x.shape[-1]))
        kernel, stride = (conv.kernel_size[0], conv.kernel_size[1]), (conv.stride[0], conv.stride[1])
        top, left, bottom, right = same_padding(size, kernel, stride)
        x = nn.functional.pad(x, (left, right, top, bottom))
        return nn.functional.relu6(self.normalization(self.convolution(x)))


class MobileNetV1(nn.Module):
    """Howard et al., *MobileNets*, 2017; by Hugging Face's names.

    Args:
        width: of all channels, as a part of the full one. colours: of the images. classes: of the result.
    """

    def __init__(self, width: float = 0.25, colours: int = 1, classes: int = 10) -> None:
        super().__init__()
        widths = [int(channels * width) for channels in NARROW]
        layers: list[nn.Module] = []
        for (given, made), stride in zip(pairwise(widths), STRIDES, strict=True):
            layers += [SameConv(given, given, 3, stride, given), SameConv(given, made, 1, 1)]
        self.mobilenet_v1 = nn.ModuleDict(
            {"conv_stem": SameConv(colours, widths[0], 3, 2), "layer": nn.Sequential(*layers)}
        )
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mobilenet_v1["layer"](self.mobilenet_v1["conv_stem"](x))
        return self.classifier(x.mean((2, 3)))
