"""LayerNorm in front of convolutions: the step of the int8 x̂ and each channel's power-of-two factor."""

from dataclasses import dataclass

import numpy as np

from .records import TensorRecord
from .weights import WEIGHT_MAX

INT8_MAX = 127
MAX_CHANNEL_SHIFT = 15
STEPS_PER_OCTAVE = 8
"""Candidates for the step between one and the half of it."""


@dataclass(frozen=True)
class NormPlan:
    """How one LayerNorm is normalised to int8.

    Attributes:
        step: real value of one step of x̂ in a channel without a shift.
        shift: (H,) 0..15: a step of channel c is step · 2^shift[c].
        mean: (H,) of x̂, in steps of its channel.
    """

    step: float
    shift: np.ndarray
    mean: np.ndarray

    @property
    def scale(self) -> np.ndarray:
        """Real value of one step of each channel, (H,)."""
        return self.step * 2.0**self.shift


def plan_norm(record: TensorRecord, consumers: list[np.ndarray]) -> NormPlan:
    """Choose step and shifts so that the convolutions which read the LayerNorm lose least.

    A small step makes x̂ of ordinary channels fine and gives outlier channels a shift. Their weights then
    grow by 2^shift, and may coarsen the weights of the whole row. Both errors are predicted, and the best
    step is taken.

    Args:
        record: calibration of x̂. consumers: weights (N, H) with γ folded in.

    Raises:
        PointwiseError: x̂ is zero everywhere.
    """
    largest = record.largest()
    weight = np.concatenate(consumers)
    # The noise of an output is judged against its own power, because queries, keys and values differ in size.
    power = (weight**2 @ record.mean_square)[:, None]
    weight = weight / np.sqrt(np.maximum(power, power.max() * 1e-6))
    best: tuple[float, float, np.ndarray] | None = None
    for index in range(MAX_CHANNEL_SHIFT * STEPS_PER_OCTAVE):
        step = largest.max() / INT8_MAX * 2 ** (-index / STEPS_PER_OCTAVE)
        # The small number keeps a channel that just fits from being shifted by rounding.
        octaves = np.ceil(np.log2(largest / (INT8_MAX * step)) - 1e-9)
        shift = np.clip(octaves, 0, MAX_CHANNEL_SHIFT).astype(np.uint8)
        noise = rounding_noise(weight, step * 2.0**shift, record.mean_square)
        if best is None or noise < best[0]:
            best = noise, step, shift
    _, step, shift = best
    return NormPlan(step, shift, record.mean / (step * 2.0**shift))


def rounding_noise(weight: np.ndarray, scale: np.ndarray, mean_square: np.ndarray) -> float:
    """Predict the noise power, summed over its outputs, that rounding its operands gives a convolution.

    Args:
        weight: (N, K) for real inputs. scale: (K,) real value of one step of each input channel.
        mean_square: (K,) of the real input.
    """
    weight_step = np.abs(weight * scale).max(axis=1) / WEIGHT_MAX
    from_inputs = (weight**2 @ scale**2).sum()
    from_weights = (weight_step**2).sum() * (mean_square / scale**2).sum()
    return float(from_inputs + from_weights) / 12
