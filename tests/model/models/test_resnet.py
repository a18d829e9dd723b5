"""ResNets by the names of torchvision, against modules put together here, from images to hardware words."""

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
from pointwise.model.models.resnet import resnet
from pointwise.model.quantise.inputs import patchify
from pointwise.model.quantise.recipe import Recipe


class Block(nn.Module):
    """A basic block, or with ``narrow`` a bottleneck."""

    def __init__(self, given: int, made: int, stride: int, narrow: int) -> None:
        super().__init__()
        kernels, strides = ((1, 3, 1), (1, stride, 1)) if narrow else ((3, 3), (stride, 1))
        widths = (given, narrow, narrow, made) if narrow else (given, made, made)
        for index, (kernel, step) in enumerate(zip(kernels, strides, strict=True), start=1):
            conv = nn.Conv2d(widths[index - 1], widths[index], kernel, step, kernel // 2, bias=False)
            self.add_module(f"conv{index}", conv)
            self.add_module(f"bn{index}", nn.BatchNorm2d(widths[index]))
        self.count = len(kernels)
        if stride > 1 or given != made:
            self.downsample = nn.Sequential(
                nn.Conv2d(given, made, 1, stride, bias=False), nn.BatchNorm2d(made)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for index in range(1, self.count + 1):
            y = getattr(self, f"bn{index}")(getattr(self, f"conv{index}")(y))
            y = torch.relu(y) if index < self.count else y
        return torch.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet(nn.Module):
    """Two blocks a stage; a stem of 7 with a maximum behind it, or one of 3."""

    def __init__(self, widths: tuple[int, ...], stem: int, narrow: bool, classes: int = 5) -> None:
        super().__init__()
        self.stem = stem
        self.conv1 = nn.Conv2d(3, widths[0], stem, 2 if stem == 7 else 1, stem // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        given = widths[0]
        for stage, width in enumerate(widths, start=1):
            made = 2 * width if narrow else width
            stride = 2 if stage > 1 else 1
            blocks = [Block(given, made, stride, width * narrow), Block(made, made, 1, width * narrow)]
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
            given = made
        self.stages = len(widths)
        self.fc = nn.Linear(given, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        if self.stem == 7:
            x = nn.functional.max_pool2d(x, 3, 2, 1)
        for stage in range(1, self.stages + 1):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))


def made(widths: tuple[int, ...], stem: int, narrow: bool) -> ResNet:
    """With statistics of batch norms that are not those of the start."""
    torch.manual_seed(len(widths) + stem)
    net = ResNet(widths, stem, narrow)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


@pytest.mark.parametrize(
    ("widths", "stem", "narrow", "size"),
    [((8, 12), 3, False, (9, 14)), ((8, 12), 7, False, (33, 40)), ((4, 6), 3, True, (12, 12))],
)
def test_from_a_module_to_the_words_of_a_core(widths, stem, narrow, size) -> None:
    net = made(widths, stem, narrow)
    torch.manual_seed(8)
    images = torch.randn(8, 3, *size)
    network = resnet(net.state_dict(), size, "net")
    with torch.inference_mode():
        want = net(images).double().numpy()
    assert np.abs(network.results(images) - want).max() < 1e-4 * np.abs(want).max()

    recipe = Recipe()
    integers = network.convert(network.calibrate(images, recipe), recipe)
    rows = patchify(integers, images.numpy())
    found = integers.real(integers.output, run(integers, rows)[integers.output])[:, 0]
    noise = 10 * np.log10((want**2).sum() / ((found - want) ** 2).sum())
    assert noise > 20, f"{noise:.1f} dB"
    assert any(isinstance(op, Add) and op.dtype == "int8" for op in integers.ops)

    config = CoreConfig(rows=4, cols=4, max_tokens=64, act_kib=24, act_banks=2, res_kib=4, axi_data_width=64)
    compiled = compile_network(integers, config)
    block = Emulator(compiled.image, config).run(compiled.pack_input(rows[0]))
    assert (compiled.read_output(block)[integers.output] == run(integers, rows[0])[integers.output]).all()


def test_products_are_those_of_the_paper() -> None:
    """ResNet-20 of 32×32: 40.8 million, without the additions."""
    state = ResNet((16, 32, 64), 3, False, 10).state_dict()
    blocks = {key: value for key, value in state.items() if ".1." in key}
    state |= {key.replace(".1.", ".2.", 1): value for key, value in blocks.items()}
    graph = resnet(state, (32, 32)).graph
    assert 40_500_000 < graph.macs < 41_000_000
    assert sum(isinstance(op, Conv2d) for op in graph.ops) == 18 + 2


def test_what_is_no_resnet_is_said() -> None:
    with pytest.raises(PointwiseError, match="lacks conv1 and layer1"):
        resnet({"fc.weight": torch.zeros(2, 2)}, (8, 8))
    state = made((4, 4), 7, False).state_dict()
    del state["layer2.1.bn2.running_var"]
    with pytest.raises(PointwiseError, match=r"lacks layer2\.1\.bn2\.running_var"):
        resnet(state, (32, 32))
