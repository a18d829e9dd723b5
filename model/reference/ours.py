"""Our operators on real inputs and outputs: the functions of the integer model between two roundings.

Scales cover the range of what goes in and comes out, as calibration on the very inputs would choose them.
"""

import numpy as np

from pointwise.model.integer.convolution import convolve
from pointwise.model.integer.layernorm import normalise, statistics, token_sums
from pointwise.model.integer.requantise import requantise
from pointwise.model.integer.rounding import INT8, INT16, UINT8, saturate
from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS, divide, exponentials
from pointwise.model.networks import LAYER_NORM_EPS
from pointwise.model.quantise.exponentials import exp_table
from pointwise.model.quantise.gelu import LEAST, apply, make_table
from pointwise.model.quantise.scales import fixed_point, norm_constants
from pointwise.model.quantise.weights import quantise_rows


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, limits: tuple[int, int] = INT8) -> np.ndarray:
    """A 1×1 convolution: int8 activations and weights; the result in ``limits``, with a scale a channel.

    Args:
        x: (T, I). weight: (O, I). bias: (O,).

    Returns:
        (T, O) real.
    """
    step = np.abs(x).max() / INT8[1]
    # The residual stream, of 16 bits, has one scale for all channels.
    out_step = np.abs(x @ weight.T + bias).max(axis=0 if limits == INT8 else None) / limits[1]
    rows = quantise_rows(weight * step, bias, out_step, "the convolution")
    return (
        requantise(convolve(_rounded(x, step, INT8), rows.weight), rows.bias, rows.mult, rows.shift, limits)
        * out_step
    )


def layer_norm(x: np.ndarray) -> np.ndarray:
    """LayerNorm without γ and β over the last axis: the int16 residual stream to int8. (T, H) real."""
    exact = (x - x.mean(axis=-1, keepdims=True)) / np.sqrt(x.var(axis=-1, keepdims=True) + LAYER_NORM_EPS)
    residual_step, step = np.abs(x).max() / INT16[1], np.abs(exact).max() / INT8[1]
    constants = norm_constants(x.shape[-1], step, residual_step, LAYER_NORM_EPS, "the LayerNorm")
    residual = _rounded(x, residual_step, INT16)
    stats = statistics(*token_sums(residual), constants)
    return normalise(residual, *stats, np.zeros(x.shape[-1], np.int64)) * step


def softmax(x: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, (T, K) real: int8 scores to uint8, as attention to the identity."""
    step = max(float(x.max() - x.min()), 1e-6) / (INT8[1] - INT8[0])
    scores = _rounded(x - x.min(), step, UINT8) + INT8[0]
    entered = exponentials(scores, scores.max(axis=-1), exp_table(step))
    values = INT8[1] * np.eye(x.shape[-1], dtype=np.int64)
    probability = np.exp(x - x.max(axis=-1, keepdims=True))
    out_step = (probability / probability.sum(axis=-1, keepdims=True)).max() / UINT8[1]
    mult, shift = fixed_point(
        np.full(x.shape[-1], 1 / (INT8[1] << DIVIDE_FRACTION_BITS) / out_step), "the softmax"
    )
    quotient = divide(convolve(entered, values), entered.sum(axis=-1))
    return requantise(quotient, np.zeros(x.shape[-1], np.int64), mult, shift, UINT8) * out_step


def gelu(x: np.ndarray) -> np.ndarray:
    """GELU by its table: int8 to uint8. Any shape, real."""
    low, high = float(x.min()), float(x.max())
    step = (high - low) / (INT8[1] - INT8[0])
    return apply(make_table(step, low - INT8[0] * step, (max(high, 0.0) - LEAST) / UINT8[1]), x)


def _rounded(values: np.ndarray, step: float, limits: tuple[int, int]) -> np.ndarray:
    return saturate(np.floor(values / step + 0.5), *limits).astype(np.int64)
