"""Random operands of a CONV: most of a sensible size, so that results are spread, and some extreme ones."""

import numpy as np

from tests.independent.reference.core import Core, ceil_div
from tests.independent.reference.fields import Conv, Prologue, StationarySource
from tests.independent.reference.picture import Sizes
from tests.independent.reference.stream import Operands

EXTREME = 0.1
"""Part of the channels with any bias, multiplier and shift that there is."""


def draw_operands(rng: np.random.Generator, conv: Conv, core: Core) -> Operands:
    """Everything that the stream of a CONV holds."""
    bits = 8 >> conv.packing
    streamed = conv.stationary == StationarySource.STREAM
    weights = _weights(rng, conv, core, bits) if streamed else None
    shape = (ceil_div(conv.n, core.cols), conv.k)
    shifts = rng.integers(0, 16 if rng.integers(2) else 3, shape) if conv.shifts else None
    if conv.shifts and rng.integers(2):
        shifts[:] = shifts[0]  # as a compiler has them: alike for all N-tiles
    exponential = conv.prologue == Prologue.EXPONENTIAL
    return Operands(
        *_requantisation(rng, conv, core, bits if streamed else 8),
        weights=weights,
        channel_shifts=shifts,
        exponential_table=_decay(rng) if exponential else None,
        table=rng.integers(0, 256, 256) if conv.table else None,
    )


def _weights(rng: np.random.Generator, conv: Conv, core: Core, bits: int) -> np.ndarray:
    """Any weights; of diagonal tiles often only those of a depthwise convolution, of maxima often ones."""
    sizes = Sizes.of(conv, core)
    inputs = sizes.words if conv.diagonal else conv.k
    weights = rng.integers(-(1 << bits - 1), 1 << bits - 1, (conv.n, inputs, sizes.kernel))
    if conv.maximum and rng.integers(2):
        weights[:] = 1
    if conv.diagonal and rng.integers(2):
        column = np.arange(conv.n) % core.cols
        weights[column[:, None] // core.rows != np.arange(sizes.words)] = 0
    return weights


def _decay(rng: np.random.Generator) -> np.ndarray:
    """A table like that of the exponentials, or any."""
    if rng.integers(4) == 0:
        return rng.integers(0, 256, 256)
    return np.rint(255 * np.exp(-np.arange(256) * rng.uniform(0.001, 0.1))).astype(int)


def _requantisation(rng: np.random.Generator, conv: Conv, core: Core, bits: int) -> tuple[np.ndarray, ...]:
    """Bias, multiplier and shift; sums of their expected size come out at a third of the range."""
    weight = 1 << bits - 1
    sizes = Sizes.of(conv, core)
    terms = (sizes.words if conv.diagonal else conv.k) * sizes.kernel
    size = max(weight * 70 * terms**0.5, 1)
    if conv.maximum:
        size = 128
    if conv.divide:
        size = max(weight * 4096 / terms**0.5, 1)
    target = 11000 if conv.to_residual else 42 << conv.add_shift
    shift = np.rint(np.log2(size * 49152 / target) + rng.uniform(-1, 1, conv.n))
    bias = rng.normal(0, size / 2, conv.n)
    mult = rng.integers(1 << 15, 1 << 16, conv.n)
    extreme = rng.random(conv.n) < EXTREME
    bias = np.where(extreme, rng.choice([-(2**31), 2**31 - 1, 0, 1, -1], conv.n), np.rint(bias))
    mult = np.where(extreme, rng.choice([0, 1, 65535, 32768], conv.n), mult)
    shift = np.where(extreme, rng.choice([1, 2, 16, 46, 47], conv.n), shift)
    return bias.astype(np.int64), mult.astype(np.int64), np.clip(shift, 1, 47).astype(np.int64)


def draw_norm(rng: np.random.Generator, channels: int) -> dict[str, int]:
    """Constants of a LayerNorm over so many channels."""
    mean_shift = 15 + (channels - 1).bit_length()
    step = rng.uniform(0.01, 0.06)
    root = channels**0.5 / step
    norm_shift = int(np.clip(15 - np.floor(np.log2(root)), 0, 26))
    return {
        "mean_mult": min(round(2**mean_shift / channels), 65535),
        "mean_shift": mean_shift,
        "norm_mult": int(np.clip(round(root * 2**norm_shift), 0, 65535)),
        "norm_shift": norm_shift,
        "epsilon": int(rng.choice([1, 2, 1000, 2**31, 2**32 - 1])),
    }
