"""Random integer networks: every kind of operator, values of sensible size, extremes strewn in.

For tests and fuzzing of everything that runs a network, and for measuring with the shapes of known ones.
The weights mean nothing, but activations are spread over their ranges, so that a wrong bit anywhere shows
in the end."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pointwise.model.graph import Graph, Op, Quantisation
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    Slice,
    Softmax,
)
from pointwise.model.integer.layernorm import NormConstants
from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS

from .shapes import Shape, random_shape

WEIGHT_SPREAD = 74.0
"""Standard deviation of uniform int8."""
ACTIVATION_SPREAD = 40.0
RESIDUAL_SPREAD = 2000.0


def random_image(network: Graph, seed: int) -> np.ndarray:
    """An int8 input for ``network``."""
    rng = np.random.default_rng([seed, 2])
    image = rng.integers(-128, 128, network.input.shape).astype(np.int8)
    image[: network.input.zero_rows] = 0
    return image


def random_network(seed: int, shape: Shape | None = None, weight_bits: Sequence[int] = (8, 8, 4, 2)) -> Graph:
    """A vision transformer with random integers.

    Args:
        shape: its dimensions; by default small ones drawn from ``seed``.
        weight_bits: what the bits of each layer's weights are drawn from.
    """
    return _Generator(seed, shape or random_shape(seed), weight_bits).network()


class _Generator:
    def __init__(self, seed: int, shape: Shape, weight_bits: Sequence[int]) -> None:
        self.seed, self.shape, self.weight_bits = seed, shape, weight_bits
        self.bits = np.random.default_rng([seed, 1])
        self.rng = np.random.default_rng([seed, 0])
        self.ops: list[Op] = []
        self.constants: NormConstants | None = None

    def network(self) -> Graph:
        """All operators in order."""
        s = self.shape
        init = self.rng.normal(0, RESIDUAL_SPREAD, (s.tokens, s.dim)).round()
        self._add(Input("image", shape=(s.tokens, s.inputs), zero_rows=s.prefix))
        x = self._add(Constant("x", values=np.clip(init, -32768, 32767).astype(np.int16)))
        x = self._residual("patch", "image", x, s.inputs, s.inputs**0.5 * WEIGHT_SPREAD**2, RESIDUAL_SPREAD)
        for block in range(s.depth):
            x = self._block(f"blocks.{block}", x)
        output = self._head("head", x, 0)
        if s.distilled:
            second = self._head("head_dist", x, 1)
            output = self._add(Add("logits", (output, second)))
        return Graph(f"random-{self.seed}", tuple(self.ops), output)

    def _add(self, op: Op) -> str:
        self.ops.append(op)
        return op.name

    def _block(self, name: str, x: str) -> str:
        s, rng = self.shape, self.rng
        heads = tuple(self._attention(name, head, x) for head in range(s.heads))
        width = s.heads * s.head_dim
        spread = width**0.5 * WEIGHT_SPREAD * ACTIVATION_SPREAD
        contexts = self._add(Concat(f"{name}.contexts", heads))
        x = self._residual(f"{name}.proj", contexts, x, width, spread, RESIDUAL_SPREAD / 2)
        unsigned = bool(rng.integers(2))
        table = self._table(unsigned) if rng.integers(4) else None
        dtype, zero = ("uint8", Quantisation(zero_point=17)) if unsigned else ("int8", Quantisation())
        if table is None:
            hidden = self._normalised(f"{name}.fc1", x, s.hidden, ACTIVATION_SPREAD, dtype, quantisation=zero)
        else:
            index = self._normalised(f"{name}.fc1", x, s.hidden, ACTIVATION_SPREAD)
            hidden = self._add(Activation(f"{name}.act", (index,), table, dtype, quantisation=zero))
        spread = s.hidden**0.5 * WEIGHT_SPREAD * ACTIVATION_SPREAD
        return self._residual(f"{name}.fc2", hidden, x, s.hidden, spread, RESIDUAL_SPREAD / 2)

    def _attention(self, name: str, head: int, x: str) -> str:
        """One head, from the residual stream to its context."""
        s = self.shape
        q, k, v = (
            self._normalised(f"{name}.{part}.{head}", x, s.head_dim, ACTIVATION_SPREAD) for part in "qkv"
        )
        scores = f"{name}.scores.{head}"
        spread = s.head_dim**0.5 * ACTIVATION_SPREAD**2
        factors = self._factors(s.tokens, spread, ACTIVATION_SPREAD)
        self._add(MatMul(scores, (q, k), transposed=True, **factors))
        softmax = self._add(Softmax(f"{name}.softmax.{head}", (scores,), exponential_table(self.rng)))
        spread = ACTIVATION_SPREAD / 2 * 2**DIVIDE_FRACTION_BITS
        factors = self._factors(s.head_dim, spread, ACTIVATION_SPREAD)
        return self._add(MatMul(f"{name}.context.{head}", (softmax, v), divide=True, **factors))

    def _residual(self, name: str, source: str, x: str, k: int, spread: float, target: float) -> str:
        """A layer that adds to the residual stream; the constants of the LayerNorm behind it are drawn."""
        self.constants = self._norm()
        n = self.shape.dim
        weights = self._weights(n, k, spread, target)
        self._add(Linear(name, (source,), **weights, dtype="int16"))
        return self._add(Add(f"{name}.add", (x, name)))

    def _head(self, name: str, x: str, token: int) -> str:
        """The classifier of one token."""
        return self._normalised(name, x, self.shape.classes, RESIDUAL_SPREAD, "int16", token)

    def _normalised(
        self,
        name: str,
        x: str,
        n: int,
        target: float,
        dtype: str = "int8",
        token: int | None = None,
        **more: Any,
    ) -> str:
        """A layer that reads the residual stream, or one token of it, through a LayerNorm of its own."""
        dim = self.shape.dim
        outliers = self.rng.integers(2) * (self.rng.random(dim) < 0.1)
        shift = self.rng.integers(0, 4, dim) * outliers
        source = self._add(LayerNorm(f"{name}.norm", (x,), self.constants, shift))
        if token is not None:
            source = self._add(Slice(f"{name}.token", (source,), token, 1))
        weights = self._weights(n, dim, dim**0.5 * WEIGHT_SPREAD * ACTIVATION_SPREAD, target)
        return self._add(Linear(name, (source,), **weights, dtype=dtype, **more))

    def _weights(self, n: int, k: int, spread: float, target: float) -> dict[str, Any]:
        """Weights and factors of a layer whose accumulators of int8 weights spread by ``spread``."""
        bits = int(self.bits.choice(self.weight_bits))
        factors = self._factors(n, spread * 2.0 ** (bits - 8), target)
        weight = self.rng.integers(-128, 128, (n, k), dtype=np.int8) >> 8 - bits
        return factors | {"weight": weight, "weight_bits": bits}

    def _factors(self, n: int, spread: float, target: float) -> dict[str, Any]:
        return factors(self.rng, n, spread, target)

    def _norm(self) -> NormConstants:
        """LayerNorm over the residual stream, to int8 of standard deviation ``ACTIVATION_SPREAD``."""
        dim = self.shape.dim
        mean_shift = 15 + (dim - 1).bit_length()
        gain = dim**0.5 * ACTIVATION_SPREAD
        norm_shift = 15 - int(np.floor(np.log2(gain)))
        norm_shift = max(norm_shift, 0)
        gain *= 2.0**norm_shift
        mult, epsilon = min(round(gain), 65535), int(self.rng.integers(0, 1000))
        return NormConstants(round(2**mean_shift / dim), mean_shift, mult, norm_shift, epsilon)

    def _table(self, unsigned: bool) -> np.ndarray:
        low = 0 if unsigned else -128
        if self.rng.integers(4) == 0:
            return self.rng.integers(low, low + 256, 256)
        value = np.arange(256)
        value = np.where(value > 127, value - 256, value) / ACTIVATION_SPREAD
        smooth = value / (1 + np.exp(-1.702 * value)) * ACTIVATION_SPREAD + (17 if unsigned else 0)
        return np.clip(np.round(smooth), low, low + 255).astype(np.int64)


def factors(rng: np.random.Generator, n: int, spread: float, target: float) -> dict[str, Any]:
    """Bias, mult and shift that bring accumulators that spread by ``spread`` to ``target``."""
    ratio = target / spread * 2.0 ** rng.uniform(-1, 1, n)
    shift = np.clip(15 - np.floor(np.log2(ratio)).astype(np.int64), 1, 47)
    mult = np.clip(np.round(ratio * 2.0**shift), 0, 65535).astype(np.int64)
    bias = rng.normal(0, spread / 4, n).round().clip(-(2**31), 2**31 - 1).astype(np.int64)
    odd = rng.random(n) < 0.04
    mult = np.where(odd, rng.choice([0, 1, 65535], n), mult)
    shift = np.where(odd, rng.choice([1, 20, 47], n), shift)
    bias = np.where(odd, rng.choice([-(2**31), 0, 2**31 - 1], n), bias)
    return {"bias": bias, "mult": mult, "shift": shift}


def exponential_table(rng: np.random.Generator) -> np.ndarray:
    """A table of exponentials, or of anything: (256,) of uint8 range, the first of them 255."""
    if rng.integers(4) == 0:
        table = rng.integers(0, 256, 256)
        table[0] = 255
        return table
    return np.round(255 * np.exp(-np.arange(256) * rng.uniform(0.01, 0.2))).astype(np.int64)
