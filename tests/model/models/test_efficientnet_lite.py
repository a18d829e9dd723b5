"""EfficientNet-Lite by its authors' names, against a module put together here, from images to core words."""

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
from pointwise.model.models.efficientnet_lite import EPSILON, efficientnet_lite
from pointwise.model.quantise.inputs import patchify
from pointwise.model.quantise.recipe import Recipe
from tests.model.models.norms import lively

STAGES = (
    (1, 3, 1, 4),
    (2, 3, 2, 6),
    (1, 5, 2, 8),
    (2, 3, 2, 10),
    (2, 5, 1, 12),
    (1, 5, 2, 16),
    (1, 3, 1, 20),
)
"""Blocks, kernel, stride and channels of each stage."""


class Same(nn.Conv2d):
    """A convolution with TensorFlow's padding: as many pixels as strides go into, the odd ones behind."""

    def forward(self, x: Tensor) -> Tensor:
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        sides = []
        for length in (x.shape[-1], x.shape[-2]):
            total = max(0, (-(-length // stride) - 1) * stride + kernel - length)
            sides += [total // 2, total - total // 2]
        return super().forward(nn.functional.pad(x, sides))


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON)


class Block(nn.Module):
    def __init__(self, given: int, made: int, kernel: int, stride: int, grow: int) -> None:
        super().__init__()
        inside, self.grow = given * grow, grow
        if grow > 1:
            self._expand_conv, self._bn0 = Same(given, inside, 1, bias=False), norm(inside)
        self._depthwise_conv = Same(inside, inside, kernel, stride, groups=inside, bias=False)
        self._bn1, self._project_conv, self._bn2 = norm(inside), Same(inside, made, 1, bias=False), norm(made)
        self.added = stride == 1 and given == made

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.relu6(self._bn0(self._expand_conv(x))) if self.grow > 1 else x
        y = self._bn2(self._project_conv(nn.functional.relu6(self._bn1(self._depthwise_conv(y)))))
        return x + y if self.added else y


class EfficientNetLite(nn.Module):
    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = Same(3, 6, 3, 2, bias=False), norm(6)
        given, blocks = 6, []
        for count, kernel, stride, width in STAGES:
            for index in range(count):
                blocks.append(Block(given, width, kernel, 1 if index else stride, 3 if blocks else 1))
                given = width
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = Same(given, 24, 1, bias=False), norm(24)
        self._fc = nn.Linear(24, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return self._fc(nn.functional.relu6(self._bn1(self._conv_head(x))).mean((2, 3)))


def test_from_the_modules_tensors_to_the_words_of_a_core() -> None:
    torch.manual_seed(3)
    net = lively(EfficientNetLite()).eval()
    images = torch.randn(6, 3, 36, 41)
    network = efficientnet_lite(net.state_dict(), (36, 41))
    with torch.inference_mode():
        want = net(images).double().numpy()
    assert np.abs(network.results(images) - want).max() < 1e-4 * np.abs(want).max()
    assert sum(isinstance(op, Add) for op in network.graph.ops) == 3
    depthwise = [op for op in network.graph.ops if isinstance(op, Conv2d)]
    assert depthwise[1].window.padding == (0, 1, 1, 1), "of 18 by 21 pixels the odd row is below"

    integers = network.convert(network.calibrate(images, Recipe()), Recipe())
    rows = patchify(integers, images.numpy())
    core = CoreConfig(rows=4, cols=8, max_tokens=64, act_kib=16, act_banks=2, res_kib=4, axi_data_width=64)
    compiled = compile_network(integers, core)
    block = Emulator(compiled.image, core).run(compiled.pack_input(rows[0]))
    assert (compiled.read_output(block)[integers.output] == run(integers, rows[0])[integers.output]).all()


def test_what_is_no_efficientnet_lite_is_said() -> None:
    with pytest.raises(PointwiseError, match="lacks _conv_stem or _fc"):
        efficientnet_lite({}, (32, 32))


@pytest.mark.parametrize(
    "change, sentence",
    [
        ("_blocks.0._se_reduce.weight", "multiplies channels by numbers of the image's own"),
        ("_blocks.3._project_conv.weight", r"lacks _blocks\.3"),
        ("_blocks.9._project_conv.weight", "has 6 stages of blocks"),
    ],
)
def test_other_blocks_are_refused(change: str, sentence: str) -> None:
    state = EfficientNetLite().state_dict()
    if change in state:
        del state[change]
    else:
        state[change] = torch.zeros(1)
    with pytest.raises(PointwiseError, match=sentence):
        efficientnet_lite(state, (36, 41))
