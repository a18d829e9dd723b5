"""Random integer networks of pictures: convolutions of all kinds, pooling, sums of bytes, attention.

As in ``random_network`` the weights mean nothing, and a wrong bit anywhere shows in the end.
"""

from typing import Any

import numpy as np

from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Conv2d,
    Input,
    Linear,
    MatMul,
    MaxPool,
    MeanPool,
    Softmax,
)
from pointwise.model.graph.value import LIMITS
from pointwise.model.graph.window import Window
from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS

from .random_network import ACTIVATION_SPREAD, WEIGHT_SPREAD, exponential_table, factors

MOST_SIDE, MOST_CHANNELS = 12, 24


def random_pictures(
    seed: int, max_side: int = MOST_SIDE, max_channels: int = MOST_CHANNELS, attention_tokens: int = 24
) -> Graph:
    """A network of small pictures.

    Args:
        max_side, max_channels: bounds of heights and widths, and of channels.
        attention_tokens: pictures of at most so many pixels may go through attention in the end.
    """
    return _Generator(seed, max_side, max_channels, attention_tokens).network()


class _Generator:
    def __init__(self, seed: int, max_side: int, max_channels: int, attention_tokens: int) -> None:
        self.seed, self.rng = seed, np.random.default_rng([seed, 7])
        self.max_channels, self.attention_tokens = max_channels, attention_tokens
        height, width = (int(side) for side in self.rng.integers(1, max_side + 1, 2))
        self.size, self.channels, self.dtype = (height, width), self._channels(), "int8"
        self.ops: list[Op] = [Input("image", shape=(height * width, self.channels))]

    def network(self) -> Graph:
        """All operators in order."""
        x = "image"
        if self.rng.integers(2):
            x = self._linear("stem", x, self._channels())
        for number in range(int(self.rng.integers(1, 7))):
            x = self._step(f"steps.{number}", x)
        tokens = self.size[0] * self.size[1]
        if self.dtype == "int8" and 1 < tokens <= self.attention_tokens and self.rng.integers(2):
            x = self._attention(x)
        elif self.dtype == "int8" and self.rng.integers(2):
            spread = ACTIVATION_SPREAD * tokens**0.5
            x = self._add(MeanPool("mean", (x,), **self._factors(self.channels, spread)))
            self.size = (1, 1)
        output = self._linear("head", x, self._channels(), "int16")
        return Graph(f"pictures-{self.seed}", tuple(self.ops), output)

    def _channels(self) -> int:
        return int(self.rng.integers(1, self.max_channels + 1))

    def _add(self, op: Op) -> str:
        self.ops.append(op)
        return op.name

    def _factors(self, n: int, spread: float) -> dict[str, Any]:
        return factors(self.rng, n, spread, ACTIVATION_SPREAD)

    def _step(self, name: str, x: str) -> str:
        kind = self.rng.integers(6)
        window = self._window()
        if kind == 0 and max(window.padding) < min(window.reach):
            self.size = window.out_size
            return self._add(MaxPool(name, (x,), window=window, pad=LIMITS[self.dtype][0]))
        if kind == 1:
            return self._sum(name, x)
        if kind == 2:
            return self._linear(name, x, self._channels())
        groups = self._groups() if kind > 3 else 1
        return self._conv(name, x, window, groups)

    def _groups(self) -> int:
        """Depthwise, or any number that divides the channels."""
        divisors = [count for count in range(1, self.channels + 1) if self.channels % count == 0]
        return self.channels if self.rng.integers(2) else int(self.rng.choice(divisors))

    def _window(self) -> Window:
        """One that fits; kernels of 1 and 3, and odd ones."""
        rng = self.rng
        while True:
            kernel: Any = tuple(int(rng.choice([1, 3, int(rng.integers(1, 8))])) for _ in range(2))
            pairs: Any = (tuple(int(rng.choice([1, 1, 2, 3])) for _ in range(2)) for _ in range(2))
            stride, dilation = pairs
            padding: Any = tuple(int(rng.choice([0, 1, int(rng.integers(0, 4))])) for _ in range(4))
            window = Window(self.size, kernel, stride, padding, dilation)
            if window.fault() is None and window.out_tokens <= 4 * self.size[0] * self.size[1] + 16:
                return window

    def _conv(
        self, name: str, x: str, window: Window, groups: int, n: int | None = None, dtype: str | None = None
    ) -> str:
        rng, each = self.rng, self.channels // groups
        multiple = int(rng.integers(1, 3)) if groups == self.channels else int(rng.integers(1, 5))
        n = n or (self._channels() if groups == 1 else groups * multiple)
        bits = int(rng.choice([8, 8, 4, 2]))
        weight = rng.integers(-128, 128, (n, each, *window.kernel), dtype=np.int8) >> 8 - bits
        spread = float(weight[0].size) ** 0.5 * WEIGHT_SPREAD * ACTIVATION_SPREAD * 2.0 ** (bits - 8)
        low, high = LIMITS[self.dtype]
        made = dtype or str(rng.choice(["int8", "int8", "uint8"]))
        op = Conv2d(
            name,
            (x,),
            window=window,
            groups=groups,
            weight=weight,
            weight_bits=bits,
            pad=int(rng.choice([low, 0, high, int(rng.integers(low, high + 1))])),
            dtype=made,
            **self._factors(n, spread),
        )
        self.size, self.channels, self.dtype = window.out_size, n, made
        return self._add(op)

    def _linear(self, name: str, x: str, n: int, dtype: str | None = None) -> str:
        rng = self.rng
        weight = rng.integers(-128, 128, (n, self.channels), dtype=np.int8)
        spread = self.channels**0.5 * WEIGHT_SPREAD * ACTIVATION_SPREAD
        looks_up = dtype is None and bool(rng.integers(2))
        made = "int8" if looks_up else dtype or str(rng.choice(["int8", "uint8"]))
        op = Linear(name, (x,), weight=weight, dtype=made, **self._factors(n, spread))
        self.channels, self.dtype = n, made
        x = self._add(op)
        if looks_up:
            self.dtype = str(rng.choice(["int8", "uint8"]))
            low, high = LIMITS[self.dtype]
            table = rng.integers(low, high + 1, 256)
            x = self._add(Activation(f"{name}.act", (x,), table, self.dtype))
        return x

    def _sum(self, name: str, x: str) -> str:
        """A convolution that keeps the picture's size and channels, and its sum with the picture."""
        before, rng = self.dtype, self.rng
        side = [int(rng.choice([1, 3])) for _ in range(2)]
        height, width = side
        around = (height // 2, width // 2, height // 2, width // 2)
        window = Window(self.size, (height, width), padding=around)
        new = self._conv(f"{name}.conv", x, window, 1, self.channels, "int16")
        made = before if rng.integers(4) else ("uint8" if before == "int8" else "int8")
        self.dtype = made
        factor, shift = int(rng.integers(1, 8)), int(rng.integers(0, 8))
        return self._add(Add(f"{name}.sum", (new, x), dtype=made, factor=factor, shift=shift))

    def _attention(self, x: str) -> str:
        """One head over all pixels."""
        tokens, width, given = self.size[0] * self.size[1], self._channels(), self.channels
        parts = []
        for part in "qkv":
            self.channels, self.dtype = given, "int8"
            parts.append(self._linear(part, x, width, "int8"))
        q, k, v = parts
        spread = width**0.5 * ACTIVATION_SPREAD**2
        self._add(MatMul("scores", (q, k), transposed=True, **self._factors(tokens, spread)))
        softmax = self._add(Softmax("softmax", ("scores",), exponential_table(self.rng)))
        spread = ACTIVATION_SPREAD / 2 * 2**DIVIDE_FRACTION_BITS
        self.channels = width
        return self._add(MatMul("context", (softmax, v), divide=True, **self._factors(width, spread)))
