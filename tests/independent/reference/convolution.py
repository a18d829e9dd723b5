"""One CONV: what is read, the sums, what happens to them, what is written."""

import numpy as np

from tests.independent.reference import arithmetic, footprint, stream
from tests.independent.reference.fields import Conv, Prologue, Stationary
from tests.independent.reference.memory import OnChip


def execute(conv: Conv, chip: OnChip, data: np.ndarray) -> None:
    """Runs a legal CONV; `data` is its stationary stream, uint8.

    Everything is read before anything is written. A program in which that makes a difference is not legal.
    """
    operands = stream.unpack(data, conv, chip.core)
    sums = _multiply(conv, chip, operands, _stationary(conv, chip, operands))
    result = _finish(conv, chip, operands, sums)
    _write(conv, chip, result)


def _stationary(conv: Conv, chip: OnChip, operands: stream.Operands) -> np.ndarray:
    """W, N × K."""
    if conv.stationary == Stationary.STREAM:
        return operands.weights
    channels = conv.k if conv.stationary == Stationary.KEYS else conv.n
    places = footprint.stationary_words(conv, chip.core)
    matrix = chip.activation[places].reshape(len(places), -1)[:, :channels]
    return matrix if conv.stationary == Stationary.KEYS else matrix.T


def _multiply(conv: Conv, chip: OnChip, operands: stream.Operands, weights: np.ndarray) -> np.ndarray:
    """Prologue and array: sums of T × N, int64. Float64 holds them exactly."""
    memory = chip.residual if conv.prologue == Prologue.NORMALISE else chip.activation
    places = footprint.streamed_words(conv, chip.core)
    words = memory[places].reshape(conv.tokens, -1)[:, : conv.k]
    turned = weights.T.astype(np.float64)
    tokens = slice(conv.first_token, conv.first_token + conv.tokens)
    if conv.prologue == Prologue.NORMALISE:
        statistics = arithmetic.Statistics(*(part[tokens].copy() for part in chip.statistics))
        return _multiply_normalised(words.astype(np.int64), statistics, operands, turned, chip.core.cols)
    if conv.prologue == Prologue.EXPONENTIAL:
        row_max = chip.row_max[conv.max_slot, tokens, None]
        streamed = arithmetic.exponentials(words.astype(np.int64), row_max, operands.exponential_table)
        chip.reciprocals[conv.sum_slot, :, : conv.tokens] = arithmetic.softmax_reciprocal(streamed)
    else:
        streamed = words.view(np.uint8) if conv.in_unsigned else words
    return (streamed.astype(np.float64) @ turned).astype(np.int64)


def _multiply_normalised(words, statistics, operands, turned, cols) -> np.ndarray:
    """Each N-tile has channel shifts of its own, which need not be alike."""
    if operands.channel_shifts is None:
        return (arithmetic.normalise(words, statistics, 0).astype(np.float64) @ turned).astype(np.int64)
    tiles = [
        arithmetic.normalise(words, statistics, shifts).astype(np.float64) @ turned[:, first : first + cols]
        for first, shifts in zip(range(0, turned.shape[1], cols), operands.channel_shifts, strict=True)
    ]
    return np.concatenate(tiles, axis=1).astype(np.int64)


def _finish(conv: Conv, chip: OnChip, operands: stream.Operands, sums: np.ndarray) -> np.ndarray:
    """Epilogue up to the result, T × N, before the addition of the old residual."""
    if conv.divide:
        mult, exponent = chip.reciprocals[conv.sum_slot, :, : conv.tokens, None]
        sums = arithmetic.divide(sums, mult, exponent)
    limits = arithmetic.UINT8 if conv.out_unsigned else arithmetic.INT8
    if conv.to_residual:
        limits = arithmetic.INT16
    result = arithmetic.requantise(sums, operands.bias, operands.mult, operands.shift, limits)
    if conv.table and not conv.to_residual:
        result = operands.table[result & 255].astype(np.int64)
    return result


def _write(conv: Conv, chip: OnChip, result: np.ndarray) -> None:
    """Words, lanes past N as they were, and what later convolutions want to know of the tokens."""
    memory = chip.residual if conv.to_residual else chip.activation
    places = footprint.result_words(conv, chip.core)
    lanes = memory[places].reshape(conv.tokens, -1)
    if conv.to_residual and conv.add:
        result = np.clip(lanes[:, : conv.n] + result, *arithmetic.INT16)
    lanes[:, : conv.n] = result.astype(memory.dtype)
    memory[places] = lanes.reshape(*places.shape, -1)
    tokens = slice(conv.first_token, conv.first_token + conv.tokens)
    if conv.row_max:
        chip.row_max[conv.max_slot, tokens] = lanes[:, : conv.n].max(axis=1)
    if conv.to_residual and conv.sums:
        statistics = arithmetic.layernorm_statistics(
            result, conv.mean_mult, conv.mean_shift, conv.norm_mult, conv.norm_shift, conv.epsilon
        )
        for kept, new in zip(chip.statistics, statistics, strict=True):
            kept[tokens] = new
