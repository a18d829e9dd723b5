"""One CONV: what is read, the sums, what happens to them, what is written."""

import numpy as np

from tests.independent.reference import arithmetic, footprint, stream
from tests.independent.reference.fields import Conv, Prologue, StationarySource
from tests.independent.reference.memory import OnChip
from tests.independent.reference.streamed import Streamed


def execute(conv: Conv, chip: OnChip, data: np.ndarray) -> None:
    """Runs a legal CONV; `data` is its stationary stream, uint8.

    Everything is read before anything is written. A program in which that makes a difference is not legal.
    """
    operands = stream.unpack(data, conv, chip.core)
    sums = _multiply(conv, chip, operands, _stationary(conv, chip, operands))
    result = _finish(conv, chip, operands, sums)
    _write(conv, chip, result)


def _stationary(conv: Conv, chip: OnChip, operands: stream.Operands) -> np.ndarray:
    """W, N × K × taps, or N × words × taps with `diagonal`."""
    if conv.stationary == StationarySource.STREAM:
        return operands.weights
    channels = conv.k if conv.stationary == StationarySource.KEYS else conv.n
    places = footprint.stationary_words(conv, chip.core)
    matrix = chip.activation[places].reshape(len(places), -1)[:, :channels]
    return (matrix if conv.stationary == StationarySource.KEYS else matrix.T)[..., None]


def _multiply(conv: Conv, chip: OnChip, operands: stream.Operands, weights: np.ndarray) -> np.ndarray:
    """Prologue and array: sums of T × N, int64 in the range of int32."""
    streamed, cols = Streamed(conv, chip, operands), chip.core.cols
    sums = [
        (_diagonal if conv.diagonal else _dense)(
            streamed.tile(tile), weights[first : first + cols], conv, first
        )
        for tile, first in enumerate(range(0, conv.n, cols))
    ]
    if conv.prologue == Prologue.EXPONENTIAL:
        # Of the first N-tile, which differs from later ones with a group stride.
        total = streamed.tile(0).sum(axis=(0, 1, 3))
        chip.reciprocals[conv.sum_slot, :, : conv.tokens] = arithmetic.softmax_reciprocal(total)
    return arithmetic.int32(np.concatenate(sums, axis=1))


def _dense(lanes: np.ndarray, weights: np.ndarray, conv: Conv, first: int) -> np.ndarray:
    """Of words × taps × T × R lanes and C × K × taps weights: T × C. Float64 holds the sums exactly."""
    words, taps, tokens, rows = lanes.shape
    matrix = lanes.transpose(2, 0, 3, 1).reshape(tokens, words * rows, taps)[:, : conv.k]
    left, right = (np.asarray(part, np.float64) for part in (matrix, weights))
    return (left.reshape(tokens, -1) @ right.reshape(len(right), -1).T).astype(np.int64)


def _diagonal(lanes: np.ndarray, weights: np.ndarray, conv: Conv, first: int) -> np.ndarray:
    """Of words × taps × T × R lanes and C × words × taps weights: channel n sees lane n mod R of a word."""
    channel = first + np.arange(len(weights))
    seen = lanes[..., channel % lanes.shape[-1]]
    sums = seen * weights.astype(np.int64).transpose(1, 2, 0)[:, :, None]
    return arithmetic.int9(sums).max(axis=(0, 1)) if conv.maximum else sums.sum(axis=(0, 1))


def _finish(conv: Conv, chip: OnChip, operands: stream.Operands, sums: np.ndarray) -> np.ndarray:
    """Epilogue up to the result, T × N, before the addition of an old value."""
    if conv.divide:
        mult, exponent = chip.reciprocals[conv.sum_slot, :, : conv.tokens, None]
        sums = arithmetic.divide(sums, mult, exponent)
    limits = arithmetic.INT16 if conv.to_residual or conv.add else _bytes(conv)
    result = arithmetic.requantise(sums, operands.bias, operands.mult, operands.shift, limits)
    if conv.table:
        result = operands.table[result & 255].astype(np.int64)
    return result


def _bytes(conv: Conv) -> tuple[int, int]:
    """The range of a result in the activation SRAM."""
    return arithmetic.UINT8 if conv.out_unsigned else arithmetic.INT8


def _add(conv: Conv, chip: OnChip, result: np.ndarray) -> np.ndarray:
    """The sum of the result and the old values, T × N."""
    memory = chip.residual if conv.to_residual else chip.activation
    old = memory[footprint.added_words(conv, chip.core)].reshape(conv.tokens, -1)[:, : conv.n]
    if conv.to_residual:
        return np.clip(old + result, *arithmetic.INT16)
    old = old.view(np.uint8) if conv.add_unsigned else old
    return arithmetic.add_scaled(result, old.astype(np.int64), conv.add_factor, conv.add_shift, _bytes(conv))


def _write(conv: Conv, chip: OnChip, result: np.ndarray) -> None:
    """Words, lanes past N as they were, and what later convolutions want to know of the tokens."""
    memory = chip.residual if conv.to_residual else chip.activation
    if conv.add:
        result = _add(conv, chip, result)
    places = footprint.result_words(conv, chip.core)
    lanes = memory[places].reshape(conv.tokens, -1)
    lanes[:, : conv.n] = result.astype(memory.dtype)
    memory[places] = lanes.reshape(*places.shape, -1)
    tokens = slice(conv.first_token, conv.first_token + conv.tokens)
    if conv.row_max:
        chip.row_max[conv.max_slot, tokens] = lanes[:, : conv.n].max(axis=1)
    if conv.sums:
        statistics = arithmetic.layernorm_statistics(
            result, conv.mean_mult, conv.mean_shift, conv.norm_mult, conv.norm_shift, conv.epsilon
        )
        for kept, new in zip(chip.statistics, statistics, strict=True):
            kept[tokens] = new
