"""``EngineOp``: one convolution of the core, with what it does on the way into and out of the array.

Made by ``fuse`` alone. Names in it are those of the graph's values; where they lie is the compiler's affair.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from pointwise.hw.contract.isa import Prologue, StationarySource
from pointwise.model.graph.quantisation import Quantisation
from pointwise.model.graph.window import Window
from pointwise.model.integer.layernorm import NormConstants


@dataclass(frozen=True, eq=False)
class Plain:
    """The streamed operand enters as it is; where there is none, ``fill`` enters in its place."""

    unsigned: bool
    fill: int | Any = None
    code: ClassVar[Prologue] = Prologue.PLAIN


@dataclass(frozen=True, eq=False)
class Normalise:
    """LayerNorm by the statistics that ``TokenSums`` left. channel_shift: (K,) 0..15, or None for none."""

    channel_shift: np.ndarray | None
    code: ClassVar[Prologue] = Prologue.NORMALISE
    unsigned: ClassVar[bool] = False

    @property
    def shifts(self) -> np.ndarray | None:
        """The channel shifts where the stream has to carry them: without them all are 0."""
        return None if self.channel_shift is None or not np.any(self.channel_shift) else self.channel_shift


@dataclass(frozen=True, eq=False)
class Exponential:
    """Exponentials below the maximum that ``RowMax`` left. table: (256,) uint8."""

    table: np.ndarray
    code: ClassVar[Prologue] = Prologue.EXPONENTIAL
    unsigned: ClassVar[bool] = False


@dataclass(frozen=True, eq=False)
class Weights:
    """Constants from the stream: (N, K), or behind a window (N, K, lines, taps), integers of ``bits``."""

    values: np.ndarray
    bits: int
    code: ClassVar[StationarySource] = StationarySource.STREAM


@dataclass(frozen=True, eq=False)
class Diagonal:
    """Constants from the stream, channel by channel: (C, lines, taps) integers of 8 bits.

    Attributes:
        maximum: keep the largest of the products in place of their sum.
    """

    values: np.ndarray
    maximum: bool = False
    code: ClassVar[StationarySource] = StationarySource.STREAM


@dataclass(frozen=True)
class Keys:
    """A value of the network, (N, K): its tokens are the channels out."""

    value: str
    code: ClassVar[StationarySource] = StationarySource.KEYS


@dataclass(frozen=True)
class Values:
    """A value of the network, (K, N): its channels are the channels out. first: its tokens from there on."""

    value: str
    first: int = 0
    code: ClassVar[StationarySource] = StationarySource.VALUES


@dataclass(frozen=True)
class Divide:
    """Divide by the row's sum of exponentials."""


@dataclass(frozen=True, eq=False)
class Requantise:
    """bias, mult, shift: (N,) int32, uint16, 1..47; dtype: of the integers that come out."""

    bias: np.ndarray
    mult: np.ndarray
    shift: np.ndarray
    dtype: str


@dataclass(frozen=True, eq=False)
class LookUp:
    """The activation table: (256,) integers of ``dtype``."""

    table: np.ndarray
    dtype: str


@dataclass(frozen=True)
class Accumulate:
    """Add to a value of the residual stream, in its place."""

    value: str


@dataclass(frozen=True)
class AddScaled:
    """Add a byte of another value times ``factor``, and shift right by ``shift`` (``add_scaled``).

    Attributes:
        unsigned: the byte is a uint8. dtype: of the sum.
    """

    value: str
    factor: int
    shift: int
    unsigned: bool
    dtype: str


@dataclass(frozen=True)
class RowMax:
    """Keep each token's maximum for ``Exponential``."""


@dataclass(frozen=True)
class TokenSums:
    """Keep each token's Σx and Σx² and make LayerNorm's statistics of them for ``Normalise``."""

    constants: NormConstants


Stage = Divide | Requantise | LookUp | Accumulate | AddScaled | RowMax | TokenSums
S = TypeVar("S", Divide, Requantise, LookUp, Accumulate, AddScaled, RowMax, TokenSums)


@dataclass(frozen=True, eq=False)
class EngineOp:
    """One convolution.

    Attributes:
        name: of the graph's product that it carries out. members: all operators of the graph that it does.
        streamed: values side by side, or none (``Plain.fill``). first, tokens: which of their tokens.
        window, pad: a kernel over the picture that the tokens are, and what lies around it.
        prologue: on the way in. stationary: the other operand. epilogue: on the way out, in this order.
        output: the value that it writes, or with ``Accumulate`` changes.
        quantisation: of that value.
        k, n: channels in and out. macs: useful multiply-accumulates for one image.
    """

    name: str
    members: tuple[str, ...]
    streamed: tuple[str, ...]
    first: int
    tokens: int
    prologue: Plain | Normalise | Exponential
    stationary: Weights | Diagonal | Keys | Values
    epilogue: tuple[Stage, ...]
    output: str
    quantisation: Quantisation
    k: int
    n: int
    macs: int = 0
    window: Window | None = None
    pad: int = 0

    def stage(self, kind: type[S]) -> S | None:
        """The epilogue's stage of a kind, or None where it has none."""
        return next((stage for stage in self.epilogue if isinstance(stage, kind)), None)

    @property
    def requantise(self) -> Requantise:
        """The stage that every convolution has."""
        return next(stage for stage in self.epilogue if isinstance(stage, Requantise))

    @property
    def dtype(self) -> str:
        """Type of the result."""
        last = self.stage(LookUp) or self.stage(AddScaled)
        return self.requantise.dtype if last is None else last.dtype

    @property
    def out_tokens(self) -> int:
        """Tokens of the result."""
        return self.tokens if self.window is None else self.window.out_tokens
