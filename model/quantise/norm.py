"""LayerNorm in front of convolutions: the step of the int8 x̂ and each channel's power-of-two factor."""

from dataclasses import dataclass

import numpy as np
import torch

from .moments import Moments
from .recipe import LayerConfig
from .statistics import TensorObserver

INT8_MAX = 127
WEIGHT_MAX = 127
MAX_CHANNEL_SHIFT = 15
STEPS_PER_OCTAVE = 8
"""Candidates for the step between one and the half of it."""
EQUALISED = 2
"""The best steps, whose shifts are then equalised."""
MOST_ROUNDS = 60
"""Rounds of equalising at most; each changes the shifts of one or of several channels."""
DEFAULT = LayerConfig()


@dataclass(frozen=True)
class NormPlan:
    """How one LayerNorm is normalised to int8.

    Attributes:
        step: real value of one step of x̂ in a channel without a shift.
        shift: (H,) 0..15: a step of channel c is step · 2^shift[c].
        moments: of x̂, in steps of its channels.
    """

    step: float
    shift: np.ndarray
    moments: Moments

    @property
    def scale(self) -> np.ndarray:
        """Real value of one step of each channel, (H,)."""
        return self.step * 2.0**self.shift


def plan_norm(
    record: TensorObserver,
    consumers: list[np.ndarray],
    config: LayerConfig = DEFAULT,
    step: float | None = None,
    remaining: float = 1.0,
) -> NormPlan:
    """Choose step and shifts so that the convolutions which read the LayerNorm lose least.

    A small step makes x̂ of ordinary channels fine and gives outlier channels a shift. Their weights then
    grow by 2^shift, and may coarsen the weights of the whole row. Both errors are predicted, and the best
    step is taken.

    Args:
        record: calibration of x̂. consumers: weights (N, H) with γ folded in.
        config: the recipe of the LayerNorm.
        step: where training has fixed it, for all channels alike; nothing is chosen then.
        remaining: noise of rounding the weights, as a part of that of 8 bits to the nearest.

    Raises:
        PointwiseError: x̂ is zero everywhere.
    """
    if step is not None:
        return _made(record, step, np.zeros(record.channels, np.uint8))
    largest = record.largest()
    if config.factors == "none":
        return _made(record, largest.max() / INT8_MAX, np.zeros(len(largest), np.uint8))
    if config.factors == "range":
        middle = float(np.median(largest)) / INT8_MAX
        return _made(record, middle, shifts(largest, middle))
    weight = np.concatenate(consumers)
    # The noise of an output is judged against its own power, because queries, keys and values differ in size.
    power = (weight**2 @ record.mean_square)[:, None]
    weight = weight / np.sqrt(np.maximum(power, power.max() * 1e-6))
    variance = np.maximum(record.mean_square - record.mean**2, 0) * remaining
    octaves = np.arange(MAX_CHANNEL_SHIFT * STEPS_PER_OCTAVE) / STEPS_PER_OCTAVE
    steps = largest.max() / INT8_MAX * 2**-octaves
    plans = [(step, shifts(largest, step)) for step in steps]
    noise = Noise(weight, variance)
    plans.sort(key=lambda plan: noise(plan[0] * 2.0 ** plan[1]))
    if config.equalise:
        plans = [(step, equalised(weight, step, shift, variance)) for step, shift in plans[:EQUALISED]]
        plans.sort(key=lambda plan: noise(plan[0] * 2.0 ** plan[1]))
    return _made(record, *plans[0])


def fixed_norm(record: TensorObserver, scale: np.ndarray) -> NormPlan:
    """The plan of a LayerNorm whose scales are known: one for all, or (H,) that are powers of two apart."""
    scale = np.broadcast_to(scale, record.channels)
    shift = np.rint(np.log2(scale / scale.min())).astype(np.uint8)
    return _made(record, float(scale.min()), shift)


def shifts(largest: np.ndarray, step: float) -> np.ndarray:
    """Return the least shift of each channel, (H,) uint8, that keeps ``largest`` within int8."""
    # The small number keeps a channel that just fits from being shifted by rounding.
    octaves = np.ceil(np.log2(largest / (INT8_MAX * step)) - 1e-9)
    return np.clip(octaves, 0, MAX_CHANNEL_SHIFT).astype(np.uint8)


def equalised(weight: np.ndarray, step: float, shift: np.ndarray, mean_square: np.ndarray) -> np.ndarray:
    """Return shifts from which no change of a single one lowers the predicted noise.

    A channel with small weights may take a larger factor, for which its weights are rounded less; never one
    so small that it clips. This is the equalisation of Nagel et al., *Data-Free Quantization Through Weight
    Equalization and Bias Correction*, ICCV 2019, section 4.1, in the powers of two that the hardware has.

    Args:
        weight: (N, H). shift: (H,) the least that do not clip. mean_square: (H,) of x̂.
    """
    least, shift = shift.astype(np.int64), shift.astype(np.int64)
    size, importance = np.abs(weight).astype(np.float32), (weight**2).sum(axis=0)
    rows = np.arange(len(weight))
    predict = Noise(weight, mean_square)
    best = predict(step * 2.0**shift)
    at_once = max(1, len(shift) // 16)
    for _ in range(MOST_ROUNDS):
        scale = step * 2.0**shift
        scaled = size * scale.astype(np.float32)
        # The largest of each row without a channel: the row's largest, or where that is it, the second.
        first = scaled.argmax(axis=1)
        others = np.repeat(scaled[rows, first][:, None], len(shift), axis=1)
        scaled[rows, first] = 0
        others[rows, first] = scaled.max(axis=1)
        noise = np.full((2, len(shift)), np.inf)
        for which, change in enumerate((1, -1)):
            tried = step * 2.0 ** (shift + change)
            largest = (np.maximum(others, size * tried.astype(np.float32)) ** 2).sum(axis=0) / WEIGHT_MAX**2
            inputs = (importance * scale**2).sum() + importance * (tried**2 - scale**2)
            weights = (mean_square / scale**2).sum() + mean_square * (tried**-2.0 - scale**-2.0)
            allowed = (shift + change >= least) & (shift + change <= MAX_CHANNEL_SHIFT)
            noise[which, allowed] = (inputs + largest * weights)[allowed] / 12
        change = np.where(noise[0] < noise[1], 1, -1)
        gain = best - noise.min(axis=0)
        order = np.argsort(-gain)[: min(at_once, int((gain > 0).sum()))]
        # Several good moves at once may spoil each other; then only the best one is made.
        for chosen in (order, order[:1]):
            trial = shift.copy()
            trial[chosen] += change[chosen]
            total = predict(step * 2.0**trial)
            if np.isfinite(gain[chosen]).all() and total < best * (1 - 1e-9):
                break
        else:
            break
        if len(chosen) == 1:
            at_once = 1
        best, shift = total, trial
    return shift.astype(np.uint8)


def _made(record: TensorObserver, step: float, shift: np.ndarray) -> NormPlan:
    return NormPlan(float(step), shift, record.moments(step * 2.0**shift))


def rounding_noise(weight: np.ndarray, scale: np.ndarray, mean_square: np.ndarray) -> float:
    """Predict the noise power, summed over its outputs, that rounding its operands gives a convolution.

    Args:
        weight: (N, K) for real inputs. scale: (K,) real value of one step of each input channel.
        mean_square: (K,) of the real input.
    """
    return Noise(weight, mean_square)(scale)


class Noise:
    """``rounding_noise`` of the same weights with one scale after the other.

    Args:
        weight: (N, K) for real inputs. mean_square: (K,) of the real input.
    """

    def __init__(self, weight: np.ndarray, mean_square: np.ndarray) -> None:
        self._size = torch.from_numpy(np.abs(weight))
        self._power, self._mean_square = (weight**2).sum(axis=0), mean_square

    def __call__(self, scale: np.ndarray) -> float:
        """The noise with (K,) real values of one step of each input channel."""
        largest = (self._size * torch.from_numpy(scale)).amax(dim=1).numpy()
        from_inputs = (self._power * scale**2).sum()
        from_weights = ((largest / WEIGHT_MAX) ** 2).sum() * (self._mean_square / scale**2).sum()
        return float(from_inputs + from_weights) / 12
