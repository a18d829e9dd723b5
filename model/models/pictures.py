"""Putting convolutional networks together: modules by name in, operators out, batch norms folded."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.fusion import fuse_conv_bn_weights

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.graph import Graph, Op
from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.graph.ops import Activation, Add, Conv2d, Input, Linear, MaxPool, MeanPool
from pointwise.model.graph.value import FLOAT
from pointwise.model.graph.window import Window

INPUT = "image"
"""Name of the input."""
EPSILON = 1e-5
"""Of batch norms, where nobody says another."""


class PictureBuilder:
    """Adds operators one by one; each is named after its module, and knows the size of its picture.

    The first convolution is a linear layer of patches, which the host cuts out of the image: with three
    colours a kernel of 7 × 7 has 147 channels then, and the array is full.

    Args:
        state: the checkpoint's tensors. size: height and width of the image. epsilon: of batch norms.
    """

    def __init__(self, state: Mapping[str, Tensor], size: tuple[int, int], epsilon: float = EPSILON) -> None:
        self.state, self.size, self.epsilon = state, size, epsilon
        self.ops: list[Op] = []
        self.sizes: dict[str, tuple[int, int]] = {}
        self.channels: dict[str, int] = {}
        self.arrangement: Arrangement | None = None

    def weights(self, name: str, norm: str | None) -> tuple[np.ndarray, np.ndarray]:
        """Weight and bias of a convolution with the batch norm behind it folded in, float64.

        Where the checkpoint has shapes alone (tensors on the device "meta"), zeros that take no memory.
        """
        given = self._given(f"{name}.weight")
        if given.is_meta:
            return np.broadcast_to(0.0, tuple(given.shape)), np.broadcast_to(0.0, len(given))
        weight, bias = given.double(), self.state.get(f"{name}.bias")
        bias = None if bias is None else bias.double()
        if norm is not None:
            parts = (f"{norm}.{part}" for part in ("running_mean", "running_var"))
            mean, variance = (self.tensor(part) for part in parts)
            gamma, beta = (self.tensor(f"{norm}.{part}") for part in ("weight", "bias"))
            weight, bias = fuse_conv_bn_weights(weight, bias, mean, variance, self.epsilon, gamma, beta)
        made = torch.zeros(len(weight)) if bias is None else bias
        return weight.detach().double().numpy(), made.detach().double().numpy()

    def tensor(self, name: str) -> Tensor:
        """A tensor of the checkpoint, float64.

        Raises:
            PointwiseError: there is none of that name.
        """
        return self._given(name).double()

    def _given(self, name: str) -> Tensor:
        if name not in self.state:
            raise PointwiseError(f"the checkpoint lacks {name}; check that it is of this network")
        return self.state[name]

    def stem(
        self, name: str, norm: str | None, stride: tuple[int, int], padding: tuple[int, int, int, int]
    ) -> str:
        """The first convolution, over the image."""
        weight, bias = self.weights(name, norm)
        kernel = (int(weight.shape[2]), int(weight.shape[3]))
        window = self._window(name, self.size, kernel, stride, padding)
        self.arrangement = Arrangement.of_patches(int(weight.shape[1]), window)
        self._add(Input(INPUT, shape=self.arrangement.row_shape, dtype=FLOAT), self.size)
        flat = weight.reshape(len(weight), -1)
        return self._add(Linear(name, (INPUT,), weight=flat, bias=bias), window.out_size)

    def conv(
        self,
        name: str,
        source: str,
        norm: str | None,
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
        groups: int = 1,
        dilation: tuple[int, int] = (1, 1),
    ) -> str:
        """A convolution of a picture."""
        weight, bias = self.weights(name, norm)
        kernel = (int(weight.shape[2]), int(weight.shape[3]))
        size = self.sizes[source]
        if kernel == (1, 1) and stride == (1, 1) and groups == 1 and not any(padding):
            return self._add(Linear(name, (source,), weight=weight[:, :, 0, 0], bias=bias), size)
        window = self._window(name, size, kernel, stride, padding, dilation)
        op = Conv2d(name, (source,), window=window, groups=groups, weight=weight, bias=bias)
        return self._add(op, window.out_size)

    def activation(self, name: str, source: str, function: str) -> str:
        """A function of one number."""
        return self._add(Activation(name, (source,), function=function), self.sizes[source])

    def add(self, name: str, left: str, right: str) -> str:
        """A sum."""
        return self._add(Add(name, (left, right)), self.sizes[left])

    def max_pool(
        self,
        name: str,
        source: str,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> str:
        """A maximum over a window."""
        window = self._window(name, self.sizes[source], kernel, stride, padding)
        return self._add(MaxPool(name, (source,), window=window), window.out_size)

    def mean(self, name: str, source: str) -> str:
        """The mean of all pixels."""
        return self._add(MeanPool(name, (source,)), (1, 1))

    def linear(self, name: str, source: str) -> str:
        """A linear layer of one pixel."""
        weight, bias = self.weights(name, None)
        return self._add(Linear(name, (source,), weight=weight, bias=bias), self.sizes[source])

    def whole(self, name: str, source: str) -> str:
        """A linear layer of all pixels, channel by channel: a convolution over the whole picture."""
        weight, bias = self.weights(name, None)
        size = self.sizes[source]
        kernel = weight.reshape(len(weight), -1, *size)
        window = self._window(name, size, size, (1, 1), (0, 0, 0, 0))
        op = Conv2d(name, (source,), window=window, weight=kernel, bias=bias)
        return self._add(op, window.out_size)

    def network(self, name: str, output: str) -> GraphNetwork:
        """The network, which takes images (colours, height, width)."""
        return GraphNetwork(Graph(name, tuple(self.ops), output), self.arrangement)

    def _window(
        self,
        name: str,
        size: tuple[int, int],
        kernel: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int, int, int],
        dilation: tuple[int, int] = (1, 1),
    ) -> Window:
        window = Window(size, kernel, stride, padding, dilation)
        if (fault := window.fault()) is not None:
            raise PointwiseError(f"{name} {fault}")
        return window

    def _add(self, op: Op, size: tuple[int, int]) -> str:
        self.ops.append(op)
        self.sizes[op.name] = size
        made = len(op.weight) if isinstance(op, Linear | Conv2d) else None
        self.channels[op.name] = self.channels[op.inputs[0]] if made is None and op.inputs else made or 0
        return op.name
