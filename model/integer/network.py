"""An integer network: what the quantiser makes, what the integer model runs, and what the compiler lowers.

Every layer is one 1×1 convolution with a prologue and an epilogue. Tensors are named; a layer reads its
streamed operand from one or several tensors side by side, and its stationary operand from ``weight`` or from
a tensor (attention). The residual stream is one int16 tensor that layers with ``add`` change in place.
"""

from dataclasses import dataclass, field

import numpy as np

from hw.contract.isa import Prologue, Stationary

from .convolution import convolve
from .layernorm import NormConstants, normalise, statistics, token_sums
from .requantise import add_residual, look_up, requantise
from .rounding import INT8, INT16, UINT8, saturate
from .softmax import divide, exponentials


@dataclass(frozen=True)
class Layer:
    """One convolution over ``count`` tokens.

    Attributes:
        name: unique, for reports (``blocks.0.attn.q.1``).
        inputs: names of the streamed tensors, concatenated along the channels.
        output: name of the result; for a residual layer the tensor that is written (and changed with
            ``add``).
        bias, mult, shift: (N,) requantisation per output channel: int32, uint16, 1..47.
        weight: (N, K) int8 for Stationary.STREAM, else None.
        weight_bits: 8, 4 or 2: how wide an integer of the weight must be to hold them all (±127, ±7, ±1).
        stationary, stationary_input: KEYS or VALUES and the name of that tensor: KEYS has (N, K) = (tokens,
            channels) of the tensor, VALUES the transpose.
        prologue: PLAIN, NORMALISE (input int16) or EXPONENTIAL (input int8 scores with row maxima).
        in_unsigned: a PLAIN input holds uint8.
        channel_shift: (K,) 0..15 with NORMALISE.
        exp_table: (256,) uint8 with EXPONENTIAL.
        table: (256,) activation table after requantisation, or None; int8 values, uint8 when
            ``out_unsigned``.
        out_unsigned: without a table, clamp to 0..255.
        residual: the result is int16; add: it is added to what ``output`` holds.
        norm: constants of the LayerNorm that reads this residual result, or None where none follows.
        divide: divide by the sum of the exponentials. row_max: the next layer needs the row maxima.
        first_token, count: tokens of the inputs that are streamed; count 0 means all.
        output_token: row of the output that the first of them changes (with ``add``; otherwise 0).
        scale: real value of one step of the output (not used by any integer function).
        zero_point: byte that stands for zero in an unsigned output (already folded into the next bias).
        real_scale, real_offset: (N,) float64 where the channels of the output differ: a value is real_scale ·
            integer + real_offset. None where it is scale · (integer − zero_point). For reports only.
    """

    name: str
    inputs: tuple[str, ...]
    output: str
    bias: np.ndarray
    mult: np.ndarray
    shift: np.ndarray
    weight: np.ndarray | None = None
    weight_bits: int = 8
    stationary: Stationary = Stationary.STREAM
    stationary_input: str | None = None
    prologue: Prologue = Prologue.PLAIN
    in_unsigned: bool = False
    channel_shift: np.ndarray | None = None
    exp_table: np.ndarray | None = None
    table: np.ndarray | None = None
    out_unsigned: bool = False
    residual: bool = False
    add: bool = False
    norm: NormConstants | None = None
    divide: bool = False
    row_max: bool = False
    first_token: int = 0
    count: int = 0
    output_token: int = 0
    scale: float = 1.0
    zero_point: int = 0
    real_scale: np.ndarray | None = None
    real_offset: np.ndarray | None = None

    def real(self, integers: np.ndarray) -> np.ndarray:
        """What integers (…, N) of the output stand for, float64."""
        if self.real_scale is None:
            return self.scale * (np.asarray(integers, np.float64) - self.zero_point)
        return self.real_scale * integers + self.real_offset

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """The nearest integers of the output's type to real values (…, N), int64; the inverse of ``real``."""
        if self.real_scale is None:
            steps = np.asarray(values, np.float64) / self.scale + self.zero_point
        else:
            steps = (np.asarray(values, np.float64) - self.real_offset) / self.real_scale
        return saturate(np.floor(steps + 0.5), *self.limits).astype(np.int64)

    @property
    def limits(self) -> tuple[int, int]:
        """Least and largest integer of the output."""
        return INT16 if self.residual else UINT8 if self.out_unsigned else INT8


@dataclass(frozen=True)
class IntegerNetwork:
    """A whole network in integers.

    Attributes:
        name: for reports and file names.
        tokens, input_channels: shape of the input, one row a token (class tokens are rows of zeros).
        input_name, residual_name: names of the input tensor (int8) and the residual stream.
        residual_init: (T, H) int16, what the residual stream holds before the first layer (position
            embeddings).
        layers: in order of execution.
        output: name of the result tensor (int16), of one token. output_scale: real value of one step.
        input_scale: real value of one step of the input; input_offset: real value of input 0. Both are in
            normalised pixels, and the mean over the colours: ``info["input"]`` holds those of each colour.
        macs: useful multiply-accumulates of one image.
        info: anything that reports want (JSON-able).
    """

    name: str
    tokens: int
    input_channels: int
    input_name: str
    residual_name: str
    residual_init: np.ndarray
    layers: tuple[Layer, ...]
    output: str
    output_scale: float
    input_scale: float
    macs: int
    input_offset: float = 0.0
    info: dict[str, object] = field(default_factory=dict)


def prepare(
    layer: Layer, streamed: np.ndarray, stats: tuple | None, row_max: np.ndarray | None
) -> np.ndarray:
    """The prologue: what enters the array, (T, K) in 9-bit signed range."""
    if layer.prologue == Prologue.NORMALISE:
        return normalise(streamed, *stats, layer.channel_shift)
    if layer.prologue == Prologue.EXPONENTIAL:
        return exponentials(streamed, row_max, layer.exp_table)
    return np.asarray(streamed, np.int64)


def finish(layer: Layer, acc: np.ndarray, entered: np.ndarray, old: np.ndarray | None) -> np.ndarray:
    """The epilogue: from accumulators (T, N) to the stored result.

    Args:
        entered: what ``prepare`` gave, for the softmax denominators. old: the residual that is added to.
    """
    if layer.divide:
        acc = divide(acc, entered.sum(axis=-1))
    limits = INT16 if layer.residual else UINT8 if layer.out_unsigned and layer.table is None else INT8
    result = requantise(acc, layer.bias, layer.mult, layer.shift, limits)
    if layer.table is not None:
        result = look_up(result, layer.table)
    return add_residual(old, result) if layer.add else result


def run(network: IntegerNetwork, image: np.ndarray) -> dict[str, np.ndarray]:
    """Run one image, or several at once, through the integer model.

    Args:
        image: (tokens, input_channels) of int8 range, or (B, tokens, input_channels).

    Returns:
        Every layer's result by layer name (the residual stream after each layer that changed it), int64; with
        the axis B in front where the image has it.
    """
    image = np.asarray(image, np.int64)
    init = np.asarray(network.residual_init, np.int64)
    tensors = {network.input_name: image}
    tensors[network.residual_name] = np.broadcast_to(init, image.shape[:-2] + init.shape)
    row_max: dict[str, np.ndarray] = {}
    stats: dict[str, tuple] = {}
    results = {}
    for layer in network.layers:
        rows = slice(layer.first_token, layer.first_token + layer.count if layer.count else None)
        streamed = np.concatenate([tensors[name][..., rows, :] for name in layer.inputs], axis=-1)
        token_stats = None
        if layer.prologue == Prologue.NORMALISE:
            token_stats = tuple(value[..., rows] for value in stats[layer.inputs[0]])
        entered = prepare(layer, streamed, token_stats, row_max.get(layer.inputs[0]))
        weight = layer.weight
        if layer.stationary != Stationary.STREAM:
            weight = tensors[layer.stationary_input]
            weight = np.swapaxes(weight, -1, -2) if layer.stationary == Stationary.VALUES else weight
        changed = slice(layer.output_token, layer.output_token + streamed.shape[-2])
        old = tensors[layer.output][..., changed, :] if layer.add else None
        result = finish(layer, convolve(entered, weight), entered, old)
        if layer.add:
            whole = tensors[layer.output].copy()
            whole[..., changed, :] = result
            result = whole
        tensors[layer.output] = result
        if layer.norm is not None:
            stats[layer.output] = statistics(*token_sums(tensors[layer.output]), layer.norm)
        if layer.row_max:
            row_max[layer.output] = result.max(axis=-1)
        results[layer.name] = tensors[layer.output]
    return results
