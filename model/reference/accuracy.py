"""Our operators against float64 on random data: what the integers keep, with and without outlier channels.

Softmax times values is measured at 197 tokens. With values of mean zero the sum nearly cancels, and most of
what is left is the rounding of the exponentials to uint8. Moving entries of the table by the error of the
result, one by one, gained 0.3 dB at most, so that the table is what it looks like.
"""

from dataclasses import dataclass

import numpy as np
import torch

from pointwise.model.evaluate import sqnr_db
from pointwise.model.integer.convolution import convolve
from pointwise.model.integer.layernorm import normalise, statistics, token_sums
from pointwise.model.integer.requantise import look_up
from pointwise.model.integer.rounding import INT8, UINT8
from pointwise.model.integer.softmax import DIVIDE_FRACTION_BITS, divide, exponentials
from pointwise.model.quantise.exponentials import exp_table
from pointwise.model.quantise.gelu import LEAST, gelu, make_table
from pointwise.model.quantise.norm import plan_norm
from pointwise.model.quantise.ranges.minmax import MinMax
from pointwise.model.quantise.scales import norm_constants
from pointwise.model.quantise.score_plan import search_range
from pointwise.model.quantise.statistics import TensorObserver

TOKENS = 197
HEAD_DIM = 64
CALIBRATION = 4
"""Times as many rows of scores as are measured choose the table."""
OUTLIER = 40.0
"""An outlier channel over an ordinary one."""
EVERY = 50
"""One channel of so many is an outlier."""
EPSILON = 1e-6
HEADROOM = 1.5
"""Of the residual stream, as the quantiser has it."""


@dataclass(frozen=True)
class Row:
    """One operator on one kind of data.

    Attributes:
        operator, data: in words. unit: ``dB`` of signal to noise, or ``steps`` of the largest error.
        got: measured. wanted: at least so many dB, or at most so many steps; None where nothing is asked for.
        limit: what rounding exponentials to the nearest uint8 leaves where even the denominator is exact,
            in dB; None where that is not what limits.
    """

    operator: str
    data: str
    unit: str
    got: float
    wanted: float | None
    limit: float | None = None

    @property
    def met(self) -> bool:
        """Whether it is as good as wanted."""
        if self.wanted is None:
            return True
        return self.got >= self.wanted if self.unit == "dB" else self.got <= self.wanted


def table(seed: int = 0, channels: int = 192) -> list[Row]:
    """Measure every operator; equal seeds give equal rows.

    Args:
        channels: of LayerNorm.
    """
    rows = []
    for share, words, wanted in ((0.5, "mean half the deviation", 40.0), (0.0, "mean zero", None)):
        for sigma in (1.0, 2.0, 4.0):
            got, limit = softmax_values(sigma, share, seed)
            data = f"scores of deviation {sigma:g}, values of {words}"
            rows.append(Row("softmax · V", data, "dB", got, wanted, None if share else limit))
    for outlier, words in ((1.0, "no outliers"), (OUTLIER, f"channels {OUTLIER:g} times as large")):
        inverse, result, alike = layer_norm(channels, outlier, seed)
        rows.append(Row("LayerNorm, inverse deviation", words, "dB", inverse, 60.0))
        rows.append(Row("LayerNorm, int8 result", words, "dB", result, 36.0))
        rows.append(Row("LayerNorm, each channel by its own deviation", words, "dB", alike, None))
    rows.append(Row("GELU, table", "every index of −8..8", "steps", gelu_table(-8.0, 8.0), 0.5))
    return rows


def softmax_values(sigma: float, share: float, seed: int = 0) -> tuple[float, float]:
    """Return signal to noise, in dB, of softmax times values, and that of exponentials in uint8 alone.

    Args:
        sigma: standard deviation of the scores, which the operator takes as int8.
        share: mean of a channel of the values over its deviation.
    """
    rng = np.random.default_rng(seed)
    real = rng.normal(0, sigma, (TOKENS, TOKENS))
    values = rng.normal(0, 30, (TOKENS, HEAD_DIM)) + 30 * share * rng.choice([-1, 1], HEAD_DIM)
    values = np.clip(np.floor(values + 0.5), *INT8).astype(np.int64)
    # The table is chosen on other scores of the same kind, as in calibration.
    others = rng.normal(0, sigma, (CALIBRATION * TOKENS, TOKENS))
    scale, centre, threshold = search_range(others, _softmax(others))
    scores = np.clip(np.floor((real - centre) / scale + 0.5), *INT8).astype(np.int64)
    entered = exponentials(scores, scores.max(axis=1), exp_table(scale, threshold))
    got = divide(convolve(entered, values.T), entered.sum(axis=1)) / 2**DIVIDE_FRACTION_BITS
    exact = _softmax(scale * scores) @ values
    powers = np.exp(scale * (scores - scores.max(axis=1, keepdims=True)))
    rounded = np.floor(UINT8[1] * powers + 0.5)
    # Only the sum over the values is rounded here: the denominator is that of the exact exponentials.
    best = rounded @ values / (UINT8[1] * powers.sum(axis=1, keepdims=True))
    return sqnr_db(exact, got), sqnr_db(exact, best)


def layer_norm(channels: int, outlier: float, seed: int = 0, tokens: int = 400) -> tuple[float, float, float]:
    """Return signal to noise, in dB, of LayerNorm's inverse deviation, of its int8 result, and of that
    again with each channel divided by its own deviation, so that large ones do not hide small ones.

    Args:
        outlier: size of every ``EVERY``-th channel over an ordinary one.
    """
    rng = np.random.default_rng(seed)
    size = np.exp(rng.normal(0, 0.2, channels))
    size[3::EVERY] *= outlier
    x = rng.normal(0, 1, (tokens, channels)) * size + rng.normal(0, 0.3, channels)
    step = np.abs(x).max() * HEADROOM / 32767
    integers = np.floor(x / step + 0.5).astype(np.int64)
    centred = x - x.mean(axis=1, keepdims=True)
    exact = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)
    record = TensorObserver("x̂", MinMax(channels))
    record.update(torch.from_numpy(exact))
    # Training makes weights small where x̂ is large.
    weight = rng.normal(0, 1, (64, channels)) / np.sqrt(record.mean_square)
    plan = plan_norm(record, [weight])
    stats = statistics(*token_sums(integers), norm_constants(channels, plan.step, step, EPSILON, "LayerNorm"))
    inverse = 2 * stats[1] * 2.0 ** -stats[2].astype(float) * plan.step
    wanted = 1 / np.sqrt(integers.var(axis=1) + EPSILON / step**2)
    got = normalise(integers, *stats, plan.shift) * plan.scale
    spread = exact.std(axis=0)
    return sqnr_db(wanted, inverse), sqnr_db(exact, got), sqnr_db(exact / spread, got / spread)


def gelu_table(low: float, high: float) -> float:
    """Return the largest error, in steps, of a table whose index covers low..high, over all its entries."""
    index_scale = (high - low) / (INT8[1] - INT8[0])
    scale = (high - LEAST) / UINT8[1]
    plan = make_table(index_scale, low - INT8[0] * index_scale, scale)
    index = np.arange(INT8[0], INT8[1] + 1)
    exact = gelu(index_scale * index + plan.index_centre)
    return float(np.abs(look_up(index, plan.table) - plan.zero_point - exact / scale).max())


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
