"""LayerNorm's constants read backwards: from integers to the real numbers that they stand for."""

import math

from pointwise.model.integer.layernorm import NormConstants


def norm_step(constants: NormConstants, channels: int) -> float:
    """Real value of one step of the normalised int8 in a channel without a shift."""
    return math.sqrt(channels) / math.ldexp(constants.norm_mult, -constants.norm_shift)


def norm_epsilon(constants: NormConstants, channels: int, residual_scale: float) -> float:
    """What is added to the variance, in squared real units of the residual stream."""
    return constants.epsilon * residual_scale**2 / channels
