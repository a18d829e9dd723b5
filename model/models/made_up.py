"""Convolutional networks by name with made-up weights: to run, to estimate and to measure without a download.

The weights keep the power of what goes through (He's deviation), and the statistics of batch norms are not
those of the start, so that folding them does something.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.graph import GraphNetwork

from .efficientnet_lite import efficientnet_lite
from .mobilenet import PREFIX, STRIDES, mobilenet_v1
from .mobilenet_v2 import STAGES, mobilenet_v2
from .resnet import resnet
from .vgg import vgg

State = dict[str, Tensor]


@dataclass(frozen=True)
class Named:
    """A published network.

    Attributes:
        state: its tensors, drawn from a generator. build: the network of them. size: of its images.
    """

    state: Callable[["_Drawn"], None]
    build: Callable[[State, tuple[int, int], str], GraphNetwork]
    size: tuple[int, int] = (224, 224)


class _Drawn:
    """Tensors by name, drawn one after the other; without a seed their shapes alone."""

    def __init__(self, seed: int | None) -> None:
        self.made: State = {}
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)

    def _normal(self, deviation: float, *shape: int) -> Tensor:
        if self.generator is None:
            return torch.empty(shape, device="meta")
        return deviation * torch.randn(*shape, generator=self.generator)

    def _uniform(self, n: int) -> Tensor:
        if self.generator is None:
            return torch.empty(n, device="meta")
        return 0.75 + 0.5 * torch.rand(n, generator=self.generator)

    def conv(self, name: str, n: int, k: int, kernel: int, *, bias: bool = False) -> None:
        deviation = (2 / (k * kernel**2)) ** 0.5
        self.made[f"{name}.weight"] = self._normal(deviation, n, k, kernel, kernel)
        if bias:
            self.made[f"{name}.bias"] = self._normal(0.1, n)

    def norm(self, name: str, n: int) -> None:
        self.made |= {f"{name}.weight": self._uniform(n), f"{name}.running_var": self._uniform(n)}
        for part in ("bias", "running_mean"):
            self.made[f"{name}.{part}"] = self._normal(0.1, n)

    def linear(self, name: str, n: int, k: int, gain: float = 1.0) -> None:
        self.made[f"{name}.weight"] = self._normal((gain / k) ** 0.5, n, k)
        self.made[f"{name}.bias"] = self._normal(0.1, n)


def _resnet(blocks: tuple[int, ...], widths: tuple[int, ...], stem: int, classes: int, grow: int = 1):
    """Tensors of a ResNet; with ``grow`` above 1 of bottlenecks."""

    def draw(drawn: _Drawn) -> None:
        drawn.conv("conv1", widths[0], 3, stem)
        drawn.norm("bn1", widths[0])
        given = widths[0]
        for stage, (count, width) in enumerate(zip(blocks, widths, strict=True), start=1):
            made = width * grow
            for index in range(count):
                block = f"layer{stage}.{index}"
                chain = ((given, width, 1), (width, width, 3), (width, made, 1))
                for number, (k, n, kernel) in enumerate(
                    chain if grow > 1 else ((given, made, 3), (made, made, 3)), start=1
                ):
                    drawn.conv(f"{block}.conv{number}", n, k, kernel)
                    drawn.norm(f"{block}.bn{number}", n)
                if given != made:
                    drawn.conv(f"{block}.downsample.0", made, given, 1)
                    drawn.norm(f"{block}.downsample.1", made)
                given = made
        drawn.linear("fc", classes, given)

    return draw


def _vgg16(drawn: _Drawn) -> None:
    index, given = 0, 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            drawn.conv(f"features.{index}", width, given, 3, bias=True)
            drawn.norm(f"features.{index + 1}", width)
            index, given = index + 3, width
        index += 1
    for layer, (n, k, gain) in ((0, (4096, 512 * 49, 2.0)), (3, (4096, 4096, 2.0)), (6, (1000, 4096, 1.0))):
        drawn.linear(f"classifier.{layer}", n, k, gain)


def _mobilenet(drawn: _Drawn) -> None:
    widths = (64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
    drawn.conv(f"{PREFIX}.conv_stem.convolution", 32, 3, 3)
    drawn.norm(f"{PREFIX}.conv_stem.normalization", 32)
    given = 32
    for index, (width, _) in enumerate(zip(widths, STRIDES, strict=True)):
        for layer, (n, k, kernel) in ((2 * index, (given, 1, 3)), (2 * index + 1, (width, given, 1))):
            drawn.conv(f"{PREFIX}.layer.{layer}.convolution", n, k, kernel)
            drawn.norm(f"{PREFIX}.layer.{layer}.normalization", n)
        given = width
    drawn.linear("classifier", 1001, given)


NARROW = (16, 24, 32, 64, 96, 160, 320)
"""Channels between the blocks of MobileNet-V2, stage by stage."""
WIDE = 6
"""How many times as many channels are inside of its blocks, but for the first."""


def _mobilenet_v2(drawn: _Drawn) -> None:
    def pair(name: str, n: int, k: int, kernel: int) -> None:
        drawn.conv(f"{name}.0", n, k, kernel)
        drawn.norm(f"{name}.1", n)

    pair("features.0", 32, 3, 3)
    given, index = 32, 1
    for width, (blocks, _) in zip(NARROW, STAGES, strict=True):
        for _ in range(blocks):
            conv = f"features.{index}.conv"
            inside, layers = (given, 0) if index == 1 else (WIDE * given, 1)
            if layers:
                pair(f"{conv}.0", inside, given, 1)
            pair(f"{conv}.{layers}", inside, 1, 3)
            drawn.conv(f"{conv}.{layers + 1}", width, inside, 1)
            drawn.norm(f"{conv}.{layers + 2}", width)
            given, index = width, index + 1
    pair(f"features.{index}", 1280, given, 1)
    drawn.linear("classifier.1", 1000, 1280)


LITE = ((1, 3, 16), (2, 3, 24), (2, 5, 40), (3, 3, 80), (3, 5, 112), (4, 5, 192), (1, 3, 320))
"""Blocks, kernel and channels of each stage of EfficientNet-Lite0."""


def _efficientnet_lite0(drawn: _Drawn) -> None:
    def layer(conv: str, norm: str, n: int, k: int, kernel: int = 1) -> None:
        drawn.conv(conv, n, k, kernel)
        drawn.norm(norm, n)

    layer("_conv_stem", "_bn0", 32, 3, 3)
    given, index = 32, 0
    for blocks, kernel, width in LITE:
        for _ in range(blocks):
            name = f"_blocks.{index}"
            inside = WIDE * given if index else given
            if index:
                layer(f"{name}._expand_conv", f"{name}._bn0", inside, given)
            layer(f"{name}._depthwise_conv", f"{name}._bn1", inside, 1, kernel)
            layer(f"{name}._project_conv", f"{name}._bn2", width, inside)
            given, index = width, index + 1
    layer("_conv_head", "_bn1", 1280, given)
    drawn.linear("_fc", 1000, 1280)


LARGE = (64, 128, 256, 512)
PICTURES: dict[str, Named] = {
    "resnet20": Named(_resnet((3, 3, 3), (16, 32, 64), 3, 10), resnet, (32, 32)),
    "resnet18": Named(_resnet((2, 2, 2, 2), LARGE, 7, 1000), resnet),
    "resnet34": Named(_resnet((3, 4, 6, 3), LARGE, 7, 1000), resnet),
    "resnet50": Named(_resnet((3, 4, 6, 3), LARGE, 7, 1000, 4), resnet),
    "vgg16_bn": Named(_vgg16, vgg),
    "mobilenet_v1": Named(_mobilenet, mobilenet_v1),
    "mobilenet_v2": Named(_mobilenet_v2, mobilenet_v2),
    "efficientnet_lite0": Named(_efficientnet_lite0, efficientnet_lite),
}
"""Convolutional networks by name."""


def made_up(name: str, seed: int | None = 0) -> GraphNetwork:
    """A network of ``PICTURES`` with made-up weights.

    Args:
        seed: of the weights; None for their shapes alone, as zeros that take no memory.

    Raises:
        PointwiseError: there is none of that name.
    """
    if name not in PICTURES:
        raise PointwiseError(f"there is no network {name}; choose one of {', '.join(PICTURES)}")
    named, drawn = PICTURES[name], _Drawn(seed)
    named.state(drawn)
    return named.build(drawn.made, named.size, name)


def tensors_of(name: str) -> State:
    """The tensors of a network of ``PICTURES``, as zeros that take no memory."""
    drawn = _Drawn(None)
    PICTURES[name].state(drawn)
    return drawn.made


def made_up_images(network: GraphNetwork, count: int, seed: int = 0) -> Tensor:
    """Images (count, colours, height, width) of smooth noise: neighbours are alike, as in photographs."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, *network.input_shape, generator=generator)
    smooth = torch.nn.functional.avg_pool2d(noise, 5, 1, 2)
    return smooth / smooth.std() * 0.7 + 0.3 * noise
