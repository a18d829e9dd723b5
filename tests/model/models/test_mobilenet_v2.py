"""MobileNet-V2 by the names of torchvision, against a module put together here, from images to core words."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import compile_network
from pointwise.model.emulator import Emulator
from pointwise.model.graph import run
from pointwise.model.graph.ops import Add, Conv2d
from pointwise.model.models.mobilenet_v2 import mobilenet_v2
from pointwise.model.quantise.inputs import patchify
from pointwise.model.quantise.recipe import Recipe
from tests.model.models.norms import lively

WIDTHS = ((4, 1, 1), (8, 2, 2), (8, 3, 2), (12, 4, 2), (12, 3, 1), (16, 3, 2), (20, 1, 1))
"""Channels, blocks and stride of each stage."""


def layer(given: int, made: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(given, made, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(made), nn.ReLU6())


class Block(nn.Module):
    """Wide inside; ``conv`` numbers its parts as torchvision does."""

    def __init__(self, given: int, made: int, stride: int, grow: int) -> None:
        super().__init__()
        inside = given * grow
        parts = [layer(given, inside)] if grow > 1 else []
        parts += [layer(inside, inside, 3, stride, inside), nn.Conv2d(inside, made, 1, bias=False)]
        self.conv = nn.Sequential(*parts, nn.BatchNorm2d(made))
        self.added = stride == 1 and given == made

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.added else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        given, parts = 6, [layer(3, 6, 3, 2)]
        for width, blocks, stride in WIDTHS:
            for index in range(blocks):
                parts.append(Block(given, width, 1 if index else stride, 1 if given == 6 else 3))
                given = width
        self.features = nn.Sequential(*parts, layer(given, 24))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(24, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)))


def test_from_the_modules_tensors_to_the_words_of_a_core() -> None:
    torch.manual_seed(3)
    net = lively(MobileNetV2()).eval()
    images = torch.randn(6, 3, 37, 40)
    network = mobilenet_v2(net.state_dict(), (37, 40))
    with torch.inference_mode():
        want = net(images).double().numpy()
    assert np.abs(network.results(images) - want).max() < 1e-4 * np.abs(want).max()
    assert sum(isinstance(op, Add) for op in network.graph.ops) == 11, (
        "the fifth stage adds in its first block too"
    )
    depthwise = [op for op in network.graph.ops if isinstance(op, Conv2d)]
    assert [op.window.stride[0] for op in depthwise] == [1, 2, 1, 2, 1, 1, 2, *(1,) * 6, 2, 1, 1, 1]

    integers = network.convert(network.calibrate(images, Recipe()), Recipe())
    rows = patchify(integers, images.numpy())
    core = CoreConfig(rows=4, cols=8, max_tokens=64, act_kib=16, act_banks=2, res_kib=4, axi_data_width=64)
    compiled = compile_network(integers, core)
    block = Emulator(compiled.image, core).run(compiled.pack_input(rows[0]))
    assert (compiled.read_output(block)[integers.output] == run(integers, rows[0])[integers.output]).all()


def test_what_is_no_mobilenet_v2_is_said() -> None:
    with pytest.raises(PointwiseError, match=r"lacks features\.18"):
        mobilenet_v2({}, (32, 32))
