"""The scales of one attention: queries, keys, values, scores and context."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pointwise.model.graph import Quantisation

from .exponentials import DIRECTIONS, directions
from .moments import Moments
from .norm import INT8_MAX, Noise
from .patterns import AttentionPattern, Head
from .recipe import Recipe
from .score_plan import HeadSample, ScorePlan, centre_of, floored, plan_heads
from .statistics import Statistics

CONTEXT_HEADROOM = 1 / 2
"""Part by which the range of the context is widened: few images do not show its long tails."""
CONTEXT_FLOOR = 1 / 2
"""Part of the widest channel's range that every channel of the context gets at least: what a channel holds on
a few images says little about others, on which it may reach far beyond."""
DRAWS = tuple(step / 8 for step in range(9))
"""How far scales are drawn from one for each channel (0) towards one for all (1)."""


@dataclass(frozen=True)
class AttentionPlan:
    """Real values of one step of each tensor, and what is subtracted before rounding.

    Attributes:
        scores: queries, keys and scores of each head.
        v_scale, v_centre: (H,); the centre comes back with the context, since probabilities sum to 1.
        context_scale, context_centre: (H,); the centre comes back with the bias of the projection.
        context_moments: of the context, in steps, without its centre.
    """

    scores: tuple[ScorePlan, ...]
    v_scale: np.ndarray
    v_centre: np.ndarray
    context_scale: np.ndarray
    context_centre: np.ndarray
    context_moments: Moments


def plan_attention(
    attention: AttentionPattern,
    statistics: Statistics,
    recipe: Recipe,
    step: float | None = None,
    fixed: Mapping[str, Quantisation] | None = None,
) -> AttentionPlan:
    """Choose the scales of an attention.

    Args:
        attention: with the real weights of its projection.
        statistics: of calibration, by the names of the layers of q, k and v, of that of the scores (samples)
            and of the projection's input.
        recipe: how each layer is quantised.
        step: of the context, where training has fixed it, for all channels alike and around 0.
        fixed: values by the names of their operators that are quantised already.

    Raises:
        PointwiseError: queries, keys and values, or the context, are always the same.
    """
    layers = attention.layers
    q_range = statistics[layers["q"]].min_max(symmetric=True)[1]
    low_k, high_k = statistics[layers["k"]].min_max(symmetric=False)
    low_v, high_v = statistics[layers["v"]].min_max(symmetric=False)
    context = statistics[attention.joined.name]
    headroom = statistics.margin(CONTEXT_HEADROOM)
    low, high = trusted_context(*context.min_max(symmetric=False), low_v, high_v, headroom)
    sharing = {"tensor": 1, "head": len(attention.heads)}.get(recipe[layers["o"]].granularity, len(low))
    low = np.repeat(low.reshape(sharing, -1).min(axis=1), len(low) // sharing)
    high = np.repeat(high.reshape(sharing, -1).max(axis=1), len(high) // sharing)
    finest = floored((high - low) / 2) / INT8_MAX
    context_centre = (low + high) / 2 if step is None else np.zeros_like(low)
    if step is not None:
        context_scale = np.full_like(finest, step)
    elif recipe[layers["o"]].equalise:
        remaining = recipe[layers["proj"]].weight_noise
        variance = np.maximum(context.mean_square - context.mean**2, 0)
        context_scale = smooth_scales(finest, attention.proj.weight, variance * remaining)
    else:
        context_scale = finest
    sample = statistics.attention[layers["s"]]
    q, k, v = sample.q, sample.k, sample.v
    width = len(q_range) // len(attention.heads)
    samples = []
    for head, channels in enumerate(attention.channels):
        part = slice(head * width, (head + 1) * width)
        reader = attention.proj.weight[:, channels].astype(np.float32)
        if len(reader) > DIRECTIONS:
            reader = directions(len(reader)).T @ reader  # as tables are fitted, here for less
        ranges = q_range[part], low_k[part], high_k[part]
        known = fixed_scores(attention.heads[head], fixed or {})
        samples.append(HeadSample(q[:, head], k[:, head], *ranges, v[:, head] @ reader.T, known))
    operands = [recipe[layers[letter]] for letter in "qk"]
    balanced = all(config.equalise and config.granularity == "channel" for config in operands)
    v_scale, v_centre = floored((high_v - low_v) / 2) / INT8_MAX, (low_v + high_v) / 2
    for head, channels in zip(attention.heads, attention.channels, strict=True):
        for name, scale, centre in (
            (head.v.name, v_scale, v_centre),
            (head.context.name, context_scale, context_centre),
        ):
            if fixed and name in fixed:
                scale[channels], centre[channels] = fixed[name].scale, fixed[name].centre
    return AttentionPlan(
        scores=tuple(plan_heads(samples, recipe[layers["s"]], balanced)),
        v_scale=v_scale,
        v_centre=v_centre,
        context_scale=context_scale,
        context_centre=context_centre,
        context_moments=context.moments(context_scale, context_centre),
    )


def fixed_scores(head: Head, fixed: Mapping[str, Quantisation]) -> dict[str, Quantisation]:
    """What is known of a head's queries, keys and scores, and can stay so.

    Products have no zero point of what is streamed, so that queries have none; one of the keys adds the same
    to all scores of a row, which softmax does not see, but which other numbers than theirs must hold then.
    """
    found = {
        letter: fixed[op.name]
        for letter, op in (("q", head.q), ("k", head.k), ("s", head.scores))
        if op.name in fixed
    }
    if "q" in found and centre_of(found["q"]):
        del found["q"]
    if "s" in found and ("k" not in found or centre_of(found["k"])):
        del found["s"]
    return found


def trusted_context(
    low: np.ndarray,
    high: np.ndarray,
    low_v: np.ndarray,
    high_v: np.ndarray,
    headroom: float = CONTEXT_HEADROOM,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the range of each channel of the context, (H,), that other images may be trusted to keep to.

    The context is a mean of values, so that it never leaves their range, whatever it held on few images.

    Args:
        low, high: (H,) of what was statistics. low_v, high_v: (H,) of the values.
        headroom: part by which what was seen is widened.
    """
    middle, reach = (low + high) / 2, floored((high - low) / 2)
    reach = np.maximum(reach * (1 + headroom), reach.max() * CONTEXT_FLOOR)
    return np.maximum(middle - reach, np.minimum(low, low_v)), np.minimum(
        middle + reach, np.maximum(high, high_v)
    )


def smooth_scales(scale: np.ndarray, weight: np.ndarray, mean_square: np.ndarray) -> np.ndarray:
    """Choose the scales of channels that a convolution reads, between the finest of each and one for all.

    Fine scales round the input less, but make the weights of a row unequal, which rounds those more.

    Args:
        scale: (K,) the finest that cover each channel's range.
        weight: (N, K) real. mean_square: (K,) of the input.
    """
    candidates = [scale * (scale.max() / scale) ** draw for draw in DRAWS]
    return min(candidates, key=Noise(weight, mean_square))
