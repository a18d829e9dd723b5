"""Random integer networks: every kind of layer, values of sensible size, extremes strewn in.

For tests and fuzzing of everything that runs a network, and for measuring with the shapes of known ones.
The weights mean nothing, but activations are spread over their ranges, so that a wrong bit anywhere shows
in the end."""

from collections.abc import Sequence

import numpy as np

from hw.contract.isa import Prologue, Stationary
from model.integer.layernorm import NormConstants
from model.integer.network import IntegerNetwork, Layer
from model.integer.softmax import DIVIDE_FRACTION_BITS

from .shapes import Shape, random_shape

WEIGHT_SPREAD = 74.0
"""Standard deviation of uniform int8."""
ACTIVATION_SPREAD = 40.0
RESIDUAL_SPREAD = 2000.0


def random_image(network: IntegerNetwork, seed: int) -> np.ndarray:
    """An int8 input for ``network``."""
    rng = np.random.default_rng([seed, 2])
    return rng.integers(-128, 128, (network.tokens, network.input_channels)).astype(np.int8)


def random_network(
    seed: int, shape: Shape | None = None, weight_bits: Sequence[int] = (8, 8, 4, 2)
) -> IntegerNetwork:
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
        self.layers: list[Layer] = []
        self.macs = 0

    def network(self) -> IntegerNetwork:
        """All layers in order."""
        s, rng = self.shape, self.rng
        init = np.clip(rng.normal(0, RESIDUAL_SPREAD, (s.tokens, s.dim)).round(), -32768, 32767).astype(
            np.int16
        )
        spread = s.inputs**0.5 * WEIGHT_SPREAD * WEIGHT_SPREAD
        self._conv(
            "patch",
            ("image",),
            "x",
            s.inputs,
            s.dim,
            spread,
            RESIDUAL_SPREAD,
            residual=True,
            add=True,
            norm=self._norm(),
        )
        for block in range(s.depth):
            self._block(f"blocks.{block}")
        self._normalised("head", "logits", s.classes, RESIDUAL_SPREAD, count=1, residual=True)
        if s.distilled:
            self._normalised(
                "head_dist",
                "logits",
                s.classes,
                RESIDUAL_SPREAD,
                count=1,
                first_token=1,
                residual=True,
                add=True,
            )
        return IntegerNetwork(
            name=f"random-{self.seed}",
            tokens=s.tokens,
            input_channels=s.inputs,
            input_name="image",
            residual_name="x",
            residual_init=init,
            layers=tuple(self.layers),
            output="logits",
            output_scale=1.0,
            input_scale=1.0,
            macs=self.macs,
        )

    def _block(self, name: str) -> None:
        s, rng = self.shape, self.rng
        outputs = tuple(f"{name}.o.{head}" for head in range(s.heads))
        for head in range(s.heads):
            q, k, v, scores = (f"{name}.{part}.{head}" for part in ("q", "k", "v", "scores"))
            for tensor in (q, k, v):
                self._normalised(tensor, tensor, s.head_dim, ACTIVATION_SPREAD)
            spread = s.head_dim**0.5 * ACTIVATION_SPREAD**2
            self._conv(
                scores,
                (q,),
                scores,
                s.head_dim,
                s.tokens,
                spread,
                ACTIVATION_SPREAD,
                stationary=Stationary.KEYS,
                stationary_input=k,
                row_max=True,
            )
            self._conv(
                f"{name}.context.{head}",
                (scores,),
                outputs[head],
                s.tokens,
                s.head_dim,
                ACTIVATION_SPREAD / 2 * 2**DIVIDE_FRACTION_BITS,
                ACTIVATION_SPREAD,
                stationary=Stationary.VALUES,
                stationary_input=v,
                prologue=Prologue.EXPONENTIAL,
                exp_table=self._exp_table(),
                divide=True,
            )
        width = s.heads * s.head_dim
        spread = width**0.5 * WEIGHT_SPREAD * ACTIVATION_SPREAD
        self._conv(
            f"{name}.proj",
            outputs,
            "x",
            width,
            s.dim,
            spread,
            RESIDUAL_SPREAD / 2,
            residual=True,
            add=True,
            norm=self._norm(),
        )
        unsigned = bool(rng.integers(2))
        table = self._table(unsigned) if rng.integers(4) else None
        hidden = f"{name}.hidden"
        self._normalised(
            f"{name}.fc1",
            hidden,
            s.hidden,
            ACTIVATION_SPREAD,
            table=table,
            out_unsigned=unsigned,
            zero_point=17 if unsigned else 0,
        )
        spread = s.hidden**0.5 * WEIGHT_SPREAD * ACTIVATION_SPREAD
        self._conv(
            f"{name}.fc2",
            (hidden,),
            "x",
            s.hidden,
            s.dim,
            spread,
            RESIDUAL_SPREAD / 2,
            residual=True,
            add=True,
            norm=self._norm(),
            in_unsigned=unsigned,
        )

    def _normalised(self, name: str, output: str, n: int, target: float, **more: object) -> None:
        """A layer that reads the residual stream through its LayerNorm."""
        dim = self.shape.dim
        outliers = self.rng.integers(2) * (self.rng.random(dim) < 0.1)
        shift = self.rng.integers(0, 4, dim) * outliers
        spread = dim**0.5 * WEIGHT_SPREAD * ACTIVATION_SPREAD
        self._conv(
            name,
            ("x",),
            output,
            dim,
            n,
            spread,
            target,
            prologue=Prologue.NORMALISE,
            channel_shift=shift,
            **more,
        )

    def _conv(
        self,
        name: str,
        inputs: tuple[str, ...],
        output: str,
        k: int,
        n: int,
        spread: float,
        target: float,
        **more: object,
    ) -> None:
        """Add a layer whose accumulators spread by ``spread`` and its results by ``target``."""
        rng = self.rng
        streamed = more.get("stationary") is None
        bits = int(self.bits.choice(self.weight_bits)) if streamed else 8
        spread *= 2.0 ** (bits - 8)
        ratio = target / spread * 2.0 ** rng.uniform(-1, 1, n)
        shift = np.clip(15 - np.floor(np.log2(ratio)).astype(np.int64), 1, 47)
        mult = np.clip(np.round(ratio * 2.0**shift), 0, 65535).astype(np.int64)
        bias = rng.normal(0, spread / 4, n).round().clip(-(2**31), 2**31 - 1).astype(np.int64)
        odd = rng.random(n) < 0.04
        mult = np.where(odd, rng.choice([0, 1, 65535], n), mult)
        shift = np.where(odd, rng.choice([1, 20, 47], n), shift)
        bias = np.where(odd, rng.choice([-(2**31), 0, 2**31 - 1], n), bias)
        weight = None
        if streamed:
            weight = rng.integers(-128, 128, (n, k), dtype=np.int8) >> 8 - bits
            more |= {"weight_bits": bits}
        self.layers.append(Layer(name, inputs, output, bias, mult, shift, weight, **more))
        self.macs += k * n * (more.get("count") or self.shape.tokens)

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

    def _exp_table(self) -> np.ndarray:
        if self.rng.integers(4) == 0:
            table = self.rng.integers(0, 256, 256)
            table[0] = 255
            return table
        return np.round(255 * np.exp(-np.arange(256) * self.rng.uniform(0.01, 0.2))).astype(np.int64)

    def _table(self, unsigned: bool) -> np.ndarray:
        low = 0 if unsigned else -128
        if self.rng.integers(4) == 0:
            return self.rng.integers(low, low + 256, 256)
        value = np.arange(256)
        value = np.where(value > 127, value - 256, value) / ACTIVATION_SPREAD
        smooth = value / (1 + np.exp(-1.702 * value)) * ACTIVATION_SPREAD + (17 if unsigned else 0)
        return np.clip(np.round(smooth), low, low + 255).astype(np.int64)
