"""Random convolutional networks of integers: windows of every kind, groups, maxima, sums of bytes."""

from typing import Any

import numpy as np

from pointwise.model.graph import Graph
from pointwise.model.graph.op import Op
from pointwise.model.graph.ops.add import Add
from pointwise.model.graph.ops.conv2d import Conv2d
from pointwise.model.graph.ops.input import Input
from pointwise.model.graph.ops.linear import Linear
from pointwise.model.graph.ops.max_pool import MaxPool
from pointwise.model.graph.ops.mean_pool import MeanPool
from pointwise.model.graph.value import LIMITS
from pointwise.model.graph.window import Window

SPREAD = 40
"""Standard deviation of bytes, about."""
PAD = {"int8": (-128, 128), "uint8": (0, 256)}


class Convolutional:
    """Draws operators one after the other; each reads the one before, sums another one of its shape as well.

    Args:
        most: pixels along a side of the image, and channels.
    """

    def __init__(self, seed: int, most: int = 9):
        self.rng, self.most = np.random.default_rng([seed, 7]), most
        self.ops: list[Op] = []
        self.size = (self._few(most), self._few(most))
        self.name, self.dtype = "image", "int8"
        self.channels = self._few(most)
        self.ops.append(Input("image", shape=(self.size[0] * self.size[1], self.channels)))
        self.seen = {self.name: (self.size, self.channels, self.dtype)}

    def network(self, depth: int) -> Graph:
        """So many operators over pictures, the mean of all pixels, and a classifier."""
        steps = (self._convolution, self._depthwise, self._grouped, self._maximum, self._sum)
        for number in range(depth):
            self.rng.choice(steps)(f"op{number}")
        self._conv("last", 1, self._few(self.most), Window(self.size, (1, 1)), "int8")
        pixels = self.size[0] * self.size[1]
        spread = SPREAD * pixels**0.5
        self._add(MeanPool("mean", (self.name,), **self._factors(self.channels, spread, SPREAD)))
        weight = self.rng.integers(-128, 128, (5, self.channels))
        factors = self._factors(5, 74 * SPREAD * self.channels**0.5, 8000)
        self._add(Linear("fc", (self.name,), weight=weight.astype(np.int8), **factors, dtype="int16"))
        return Graph("convolutional", tuple(self.ops), "fc")

    def _few(self, most: int) -> int:
        return int(self.rng.integers(1, most + 1))

    def _add(self, op: Op) -> str:
        self.ops.append(op)
        self.name = op.name
        return op.name

    def _window(self) -> Window:
        """Over the picture as it is, padded so that there is a result."""
        kernel, stride = ((self._few(4), self._few(4)) if self.rng.integers(4) else (1, 1) for _ in range(2))
        dilation = tuple(int(value) for value in self.rng.choice([1, 1, 2, 3], 2))
        reach = [(taps - 1) * apart + 1 for taps, apart in zip(kernel, dilation, strict=True)]
        padding = [int(self.rng.integers(0, reach[side % 2])) for side in range(4)]
        for side in range(2):  # what is still missing for one pixel
            padding[side + 2] = max(padding[side + 2], reach[side] - self.size[side] - padding[side])
        return Window(self.size, kernel, tuple(min(step, 15) for step in stride), tuple(padding), dilation)

    def _convolution(self, name: str) -> None:
        self._conv(name, 1, self._few(3 * self.most), self._window())

    def _depthwise(self, name: str) -> None:
        self._conv(name, self.channels, self.channels, self._window())

    def _grouped(self, name: str) -> None:
        groups = int(self.rng.choice([g for g in range(1, self.channels + 1) if self.channels % g == 0]))
        self._conv(name, groups, groups * self._few(3), self._window())

    def _conv(self, name: str, groups: int, n: int, window: Window, dtype: str | None = None) -> None:
        rng = self.rng
        dtype = dtype or str(rng.choice(["int8", "uint8"]))
        bits = 8 if groups > 1 else int(rng.choice([8, 8, 4, 2]))
        weight = (
            rng.integers(-128, 128, (n, self.channels // groups, *window.kernel), dtype=np.int8) >> 8 - bits
        )
        target = 11000 if dtype == "int16" else SPREAD
        spread = 74 * 2.0 ** (bits - 8) * 74 * (weight[0].size ** 0.5)
        factors = self._factors(n, spread, target)
        pad = int(rng.integers(*PAD[self.dtype]))
        made = Conv2d(
            name, (self.name,), window, groups, weight, weight_bits=bits, pad=pad, dtype=dtype, **factors
        )
        self._add(made)
        self._now(window.out_size, n, dtype)

    def _maximum(self, name: str) -> None:
        window = self._window()
        narrow = all(
            max(window.padding[side], window.padding[side + 2]) < window.reach[side] for side in range(2)
        )
        if narrow:
            self._add(MaxPool(name, (self.name,), window, LIMITS[self.dtype][0]))
            self._now(window.out_size, self.channels, self.dtype)

    def _sum(self, name: str) -> None:
        """A product in fine steps and a byte, of this picture or of an earlier one."""
        source = str(self.rng.choice(list(self.seen)))
        (size, channels, dtype), window = self.seen[source], Window(self.size, (1, 1))
        if size != self.size:
            source, channels, dtype = self.name, self.channels, self.dtype
        self._conv(f"{name}.product", 1, channels, window, "int16")
        factor, shift = int(self.rng.integers(1, 8)), int(self.rng.integers(0, 8))
        dtype = str(self.rng.choice(["int8", "uint8"]))
        self._add(Add(name, (self.name, source), dtype, factor, shift))
        self._now(self.size, channels, dtype)

    def _now(self, size: tuple[int, int], channels: int, dtype: str) -> None:
        self.size, self.channels, self.dtype = size, channels, dtype
        if dtype != "int16":
            self.seen[self.name] = (size, channels, dtype)

    def _factors(self, n: int, spread: float, target: float) -> dict[str, Any]:
        """Bias, mult and shift that bring sums that spread by ``spread`` to ``target``."""
        mult = self.rng.integers(1 << 15, 1 << 16, n)
        shift = np.clip(np.rint(np.log2(spread * 49152 / target) + self.rng.uniform(-1, 1, n)), 1, 47)
        bias = self.rng.normal(0, spread / 2, n).round()
        return {"bias": bias.astype(np.int64), "mult": mult, "shift": shift.astype(np.int64)}
