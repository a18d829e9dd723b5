"""The integers of one head's queries, keys and scores, chosen by the error of the softmax that they give.

Two freedoms cost nothing in hardware. Softmax is the same for keys k and k − c with any fixed c, since q·c is
the same for all scores of a row: with the mean key as c, keys and scores are smaller and their steps finer.
And the channels of a head may share their product of scales out between query and key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from pointwise.model.graph import Quantisation
from pointwise.model.integer.rounding import INT8

from .exponentials import EXP_MAX, NEAREST, exp_table, fitted_table
from .norm import INT8_MAX
from .ranges import range_method
from .recipe import LayerConfig

STEPS = INT8[1] - INT8[0]
THRESHOLDS = (0.5, 0.45, 0.4, 0.37, 0.34, 0.3)
"""Where exponentials below 1 of 255 begin to round up. With a half, the many small ones of a long row would
be lost from its sum; where their logarithms are spread evenly, 1.44 · exp(−1.44) = 0.34 keeps the sum."""
NEGLIGIBLE = float(np.log(EXP_MAX / min(THRESHOLDS)))
"""A score this far below its row's maximum has an exponential that rounds to 0 with any threshold."""
EVEN_THRESHOLD = 0.34
HEADROOM = 1 / 4
"""Part of the spread of the row maxima by which the integers reach beyond the lowest and the highest seen: of
a row of another image whose maximum lies outside, the largest scores become equal, or all of them."""


@dataclass(frozen=True)
class HeadSample:
    """Some attention rows of one head.

    Attributes:
        q: (images, rows, d) float32. k: (images, T, d) float32.
        largest_q: (d,) range of the queries. low_k, high_k: (d,) range of the keys.
        values: (images, T, n) float32 what the keys stand for, as the projection sees it; None where that is
            not known.
        fixed: quantisation of the queries "q", keys "k" and scores "s" that is known already, with one scale
            each; of queries without a zero point.
    """

    q: np.ndarray
    k: np.ndarray
    largest_q: np.ndarray
    low_k: np.ndarray
    high_k: np.ndarray
    values: np.ndarray | None = None
    fixed: Mapping[str, Quantisation] = field(default_factory=dict)


@dataclass(frozen=True)
class ScorePlan:
    """Real values of one step, and what is subtracted before rounding.

    Attributes:
        q_scale, k_scale: (d,), with the same product for all channels. k_centre: (d,).
        score_scale, score_centre: of the scores after 1/√d.
        table: (256,) uint8 exponentials of so many steps below a row's maximum.
    """

    q_scale: np.ndarray
    k_scale: np.ndarray
    k_centre: np.ndarray
    score_scale: float
    score_centre: float
    table: np.ndarray


DEAD = 1e-30
"""What is smaller than this is nothing."""


def floored(size: np.ndarray) -> np.ndarray:
    """``size`` (channels,), where one that is (almost) 0 counts as a 4096th of the largest.

    Where all are (a head that is pruned), any size will do that the hardware can multiply by.
    """
    least = size.max() / 4096
    return np.maximum(size, least if least > DEAD else 1.0)


DEFAULT = LayerConfig()


def plan_scores(sample: HeadSample, config: LayerConfig = DEFAULT, balanced: bool = True) -> ScorePlan:
    """Choose the integers of one head: ``plan_heads`` of one."""
    return plan_heads([sample], config, balanced)[0]


def plan_heads(samples: list[HeadSample], config: LayerConfig, balanced: bool) -> list[ScorePlan]:
    """Choose the centre of the keys and the range of the scores of each head.

    Args:
        config: the recipe of the scores: whether they are searched, by which method they get their range if
            not, and whether the heads share it.
        balanced: queries and keys share out their product of scales channel by channel, see ``balance``;
            otherwise both have one scale a head.
    """
    heads = [
        _operands(sample, config.search, balanced)
        if not sample.fixed.keys() & {"q", "k"}
        else _fixed_operands(sample)
        for sample in samples
    ]
    shared = config.granularity == "tensor" and not any("s" in sample.fixed for sample in samples)
    groups = [heads] if shared else [[head] for head in heads]
    plans = []
    for group in groups:
        scores = np.stack([_rounded_scores(*head) for head in group])
        fixed = samples[len(plans)].fixed.get("s")
        if config.search or fixed is not None:
            exact = np.stack([_scores(q, k, q.shape[-1]) for q, k, *_ in group])
            exact = np.exp(exact - exact.max(axis=-1, keepdims=True))
            exact /= exact.sum(axis=-1, keepdims=True)
            scale, centre, threshold = search_range(scores, exact, fixed)
        else:
            observer = range_method(config.range)(1)
            observer.update(torch.from_numpy(scores.reshape(-1, 1)))
            scale, centre = max(float(observer.min_max(symmetric=True)[1][0]), 1e-6) / INT8_MAX, 0.0
            threshold = NEAREST
        plain = exp_table(scale, threshold)
        for index, (_, _, q_scale, k_scale, k_centre) in enumerate(group):
            table, values = plain, samples[len(plans)].values
            if (config.search or fixed is not None) and values is not None:
                integers = _integers(scores[index], scale, centre)
                distance = integers.max(axis=-1, keepdims=True) - integers
                table = fitted_table(distance, exact[index], values, scale, plain)
            plans.append(ScorePlan(q_scale, k_scale, k_centre, scale, centre, table))
    return plans


def _operands(sample: HeadSample, centred: bool, balanced: bool) -> tuple[np.ndarray, ...]:
    """Queries, keys without their centre, the scales of both, and the centre."""
    centre = sample.k.mean(axis=(0, 1), dtype=np.float64) if centred else np.zeros(sample.k.shape[-1])
    keys = sample.k - centre.astype(np.float32)
    largest_k = np.maximum(np.abs(sample.low_k - centre), np.abs(sample.high_k - centre))
    if balanced:
        power_q = (sample.q.astype(np.float64) ** 2).mean(axis=(0, 1))
        power_k = (keys.astype(np.float64) ** 2).mean(axis=(0, 1))
        q_scale, k_scale = balance(sample.largest_q, largest_k, power_q, power_k)
    else:
        ranges = sample.largest_q, largest_k
        q_scale, k_scale = (np.full(len(centre), floored(part).max() / INT8_MAX) for part in ranges)
    return sample.q, keys, q_scale, k_scale, centre


def centre_of(fixed: Quantisation) -> float:
    """The real value of the integer 0."""
    return float(np.mean(fixed.centre))


def _fixed_operands(sample: HeadSample) -> tuple[np.ndarray, ...]:
    """As ``_operands``, with one scale each for queries and keys: the known one or that of the range."""
    width = sample.k.shape[-1]
    q, k = sample.fixed.get("q"), sample.fixed.get("k")
    centre = np.full(width, 0.0 if k is None else centre_of(k))
    keys = sample.k - centre.astype(np.float32)
    largest_k = np.maximum(np.abs(sample.low_k), np.abs(sample.high_k))
    q_scale, k_scale = (
        np.full(width, floored(largest).max() / INT8_MAX if known is None else known.step)
        for known, largest in ((q, sample.largest_q), (k, largest_k))
    )
    return sample.q, keys, q_scale, k_scale, centre


def _rounded_scores(
    q: np.ndarray, keys: np.ndarray, q_scale: np.ndarray, k_scale: np.ndarray, centre: np.ndarray
) -> np.ndarray:
    """Scores of the integers of queries and keys."""
    return _scores(_rounded(q, q_scale), _rounded(keys, k_scale), q.shape[-1])


def search_range(
    scores: np.ndarray, probabilities: np.ndarray, fixed: Quantisation | None = None
) -> tuple[float, float, float]:
    """Return score_scale, score_centre and threshold of the least squared error of the probabilities.

    Args:
        scores: (..., rows, T) real. probabilities: the same shape, the softmax that is wanted.
        fixed: scale and centre where they are known; the threshold alone is chosen then.
    """
    tops = scores.max(axis=-1)
    beyond = HEADROOM * float(tops.max() - tops.min())
    high = float(tops.max()) + beyond
    low = max(float(tops.min()) - NEGLIGIBLE, float(scores.min())) - beyond
    scale = max(high - low, 1e-6) / STEPS
    centre = low - INT8[0] * scale
    if fixed is not None:
        scale, centre = fixed.step, centre_of(fixed)
    errors = {threshold: _error(scores, scale, centre, threshold, probabilities) for threshold in THRESHOLDS}
    return scale, centre, min(errors, key=errors.__getitem__)


def balance(
    largest_q: np.ndarray, largest_k: np.ndarray, power_q: np.ndarray, power_k: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scales of queries and keys, (d,) each.

    The channel with the largest product of ranges fixes the product of scales; the others divide what they
    have to spare so that the rounding of q, as large as k, and that of k, as large as q, add up to the least.
    """
    finest_q, finest_k = floored(largest_q) / INT8_MAX, floored(largest_k) / INT8_MAX
    product = (finest_q * finest_k).max()
    wanted = np.sqrt(product * np.sqrt(floored(power_q) / floored(power_k)))
    q_scale = np.clip(wanted, finest_q, product / finest_k)
    return q_scale, product / q_scale


def _scores(q: np.ndarray, k: np.ndarray, size: int) -> np.ndarray:
    return q @ np.swapaxes(k, -1, -2).astype(np.float32) / np.float32(np.sqrt(size))


def _rounded(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    scale = scale.astype(np.float32)
    return np.clip(np.floor(values / scale + np.float32(0.5)), *INT8) * scale


def _integers(scores: np.ndarray, scale: float, centre: float) -> np.ndarray:
    steps = (scores - np.float32(centre)) / np.float32(scale)
    return np.clip(np.floor(steps + np.float32(0.5)), *INT8).astype(np.int16)


def _error(
    scores: np.ndarray, scale: float, centre: float, threshold: float, probabilities: np.ndarray
) -> float:
    """Squared error of the probabilities that integer scores and their table give."""
    integers = _integers(scores, scale, centre)
    table = exp_table(scale, threshold).astype(np.float32)
    exponentials = table[integers.max(axis=-1, keepdims=True) - integers]
    exponentials /= exponentials.sum(axis=-1, keepdims=True)
    return float(np.square(exponentials - probabilities, dtype=np.float64).sum())
