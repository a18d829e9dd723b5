"""The scales of one attention: queries, keys, values, scores and context."""

from dataclasses import dataclass

import numpy as np

from model.integer.rounding import INT8

from .norm import INT8_MAX, rounding_noise
from .observe import Observations

SCORE_HEADROOM = 1 / 32
"""Part of the score range that is added at its top: a score clipped there would be wrong, unlike one at the bottom."""
STEPS = INT8[1] - INT8[0]
DRAWS = tuple(step / 8 for step in range(9))
"""How far scales are drawn from one for each channel (0) towards one for all (1)."""


@dataclass(frozen=True)
class AttentionPlan:
    """Real values of one step of each tensor, and what is subtracted before rounding.

    Attributes:
        q_scale, k_scale: (H,); their product is the same for all channels of a head.
        k_centre: (H,), without which softmax is the same: it adds the same to all scores of a row.
        v_scale, v_centre: (H,); the centre comes back with the context, since probabilities sum to 1.
        score_scale, score_centre: (heads,); the centre is not needed again either.
        context_scale, context_centre: (H,); the centre comes back with the bias of the projection.
        context_mean: (H,) mean of the context, in steps, without its centre.
    """

    q_scale: np.ndarray
    k_scale: np.ndarray
    k_centre: np.ndarray
    v_scale: np.ndarray
    v_centre: np.ndarray
    score_scale: np.ndarray
    score_centre: np.ndarray
    context_scale: np.ndarray
    context_centre: np.ndarray
    context_mean: np.ndarray


def plan_attention(name: str, heads: int, proj: np.ndarray, seen: Observations) -> AttentionPlan:
    """Choose the scales of the attention ``name`` (``blocks.i.attn``).

    Args:
        heads: number of heads. proj: (H, H) weights of the projection. seen: calibration.

    Raises:
        PointwiseError: queries, keys, values, scores or the context are always the same.
    """
    qkv = seen[f"{name}.qkv"]
    low, high = (limit.reshape(3, -1) for limit in qkv.limits(symmetric=False))
    mean, mean_square = qkv.mean.reshape(3, -1), qkv.mean_square.reshape(3, -1)
    k_centre = seen.key_centres[name].double().numpy()
    q_scale, k_scale = _balance(
        heads,
        floored(np.maximum(np.abs(low[0]), np.abs(high[0]))),
        floored(np.maximum(np.abs(low[1] - k_centre), np.abs(high[1] - k_centre))),
        mean_square[0],
        mean_square[1] - 2 * k_centre * mean[1] + k_centre**2,
    )
    score_low, score_high = seen[f"{name}.scores"].limits(symmetric=False)
    score_high = score_high + SCORE_HEADROOM * (score_high - score_low)
    score_scale = floored(score_high - score_low) / STEPS
    context = seen[f"{name}.context"]
    context_low, context_high = context.limits(symmetric=False)
    context_centre = (context_low + context_high) / 2
    spread = np.maximum(context.mean_square - 2 * context_centre * context.mean + context_centre**2, 0)
    context_scale = draw_together(floored((context_high - context_low) / 2) / INT8_MAX, proj, spread)
    return AttentionPlan(
        q_scale=q_scale,
        k_scale=k_scale,
        k_centre=k_centre,
        v_scale=floored((high[2] - low[2]) / 2) / INT8_MAX,
        v_centre=(low[2] + high[2]) / 2,
        score_scale=score_scale,
        score_centre=score_low - INT8[0] * score_scale,
        context_scale=context_scale,
        context_centre=context_centre,
        context_mean=(context.mean - context_centre) / context_scale,
    )


def floored(size: np.ndarray) -> np.ndarray:
    """``size`` (channels,), where one that is (almost) 0 counts as a 4096th of the largest."""
    return np.maximum(size, size.max() / 4096)


def draw_together(scale: np.ndarray, weight: np.ndarray, mean_square: np.ndarray) -> np.ndarray:
    """Choose the scales of channels that a convolution reads, between the finest of each and one for all.

    Fine scales round the input less, but make the weights of a row unequal, which rounds those more.

    Args:
        scale: (K,) the finest that cover each channel's range. weight: (N, K) real. mean_square: (K,) of the input.
    """
    candidates = [scale * (scale.max() / scale) ** draw for draw in DRAWS]
    return min(candidates, key=lambda candidate: rounding_noise(weight, candidate, mean_square))


def _balance(
    heads: int, largest_q: np.ndarray, largest_k: np.ndarray, power_q: np.ndarray, power_k: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scales of queries and keys, (H,) each.

    A sum of q·k over channels needs the same q_scale · k_scale for all channels of a head. The channel with the
    largest product of ranges fixes it; the others divide what they have to spare so that the rounding of q, as
    large as k, and that of k, as large as q, add up to the least.
    """
    q_scale, k_scale = np.empty_like(largest_q), np.empty_like(largest_k)
    for part in np.split(np.arange(len(largest_q)), heads):
        finest_q, finest_k = largest_q[part] / INT8_MAX, largest_k[part] / INT8_MAX
        product = (finest_q * finest_k).max()
        wanted = np.sqrt(product * np.sqrt(floored(power_q[part]) / floored(power_k[part])))
        q_scale[part] = np.clip(wanted, finest_q, product / finest_k)
        k_scale[part] = product / q_scale[part]
    return q_scale, k_scale
