"""Networks of inverted residuals: wide inside, narrow where they are added up, as MobileNet-V2 introduced.

A block widens its channels by a 1 × 1 convolution, convolves each by itself, and narrows them again without
an activation; where neither size nor channels change, what came in is added.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.graph.window import around, same_padding

from .pictures import PictureBuilder

Layer = tuple[str, str]
"""Names of a convolution and of the batch norm behind it."""


@dataclass(frozen=True)
class Inverted:
    """One block, by its names in a state dict.

    Attributes:
        name: of the block. expand: None where channels are not widened. stride: of the depthwise convolution.
    """

    name: str
    expand: Layer | None
    depthwise: Layer
    project: Layer
    stride: int


def strides_of(stages: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Strides of all blocks, of (blocks, stride of the first) of each stage."""
    return tuple(stride if block == 0 else 1 for blocks, stride in stages for block in range(blocks))


class InvertedBuilder:
    """Puts such a network together.

    Args:
        builder: with the tensors. same: padding as TensorFlow's "SAME" has it, the odd row and column below
            and to the right; else half of the kernel on all sides.
    """

    def __init__(self, builder: PictureBuilder, same: bool) -> None:
        self.builder, self.same = builder, same

    def network(
        self, name: str, stem: Layer, blocks: Sequence[Inverted], head: Layer, classifier: str
    ) -> GraphNetwork:
        """The network: a stem of stride 2, blocks, a 1 × 1 convolution, the mean, a linear layer.

        Raises:
            PointwiseError: a tensor is missing, or the image is too small.
        """
        kernel, builder = self._kernel(stem[0]), self.builder
        x = builder.stem(*stem, (2, 2), self._padding(builder.size, kernel, 2))
        x = builder.activation(f"{stem[0]}.relu6", x, "relu6")
        for block in blocks:
            x = self._block(block, x)
        x = self._conv(head, x)
        return builder.network(name, builder.linear(classifier, builder.mean("avgpool", x)))

    def _block(self, block: Inverted, x: str) -> str:
        made = x if block.expand is None else self._conv(block.expand, x)
        made = self._conv(block.depthwise, made, block.stride, depthwise=True)
        made = self.builder.conv(block.project[0], made, block.project[1])
        channels = self.builder.channels
        if block.stride == 1 and channels[x] == channels[made]:
            return self.builder.add(f"{block.name}.add", made, x)
        return made

    def _conv(self, layer: Layer, x: str, stride: int = 1, *, depthwise: bool = False) -> str:
        """A convolution with its ReLU6."""
        kernel = self._kernel(layer[0])
        groups = len(self.builder.tensor(f"{layer[0]}.weight")) if depthwise else 1
        padding = self._padding(self.builder.sizes[x], kernel, stride)
        made = self.builder.conv(layer[0], x, layer[1], (stride, stride), padding, groups)
        return self.builder.activation(f"{layer[0]}.relu6", made, "relu6")

    def _kernel(self, conv: str) -> int:
        return int(self.builder.tensor(f"{conv}.weight").shape[-1])

    def _padding(self, size: tuple[int, int], kernel: int, stride: int) -> tuple[int, int, int, int]:
        return same_padding(size, (kernel, kernel), (stride, stride)) if self.same else around(kernel // 2)
