"""One convolution in its two halves: the start reads the operands, the finish writes the results."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hw.contract.isa import Base, Conv, Prologue, Space, Stationary
from hw.contract.stream import tiles
from model.integer.convolution import convolve
from model.integer.layernorm import NormConstants, normalise, statistics, token_sums
from model.integer.requantise import add_residual, look_up, requantise
from model.integer.rounding import INT8, INT16, UINT8
from model.integer.softmax import divide

from .machine import Machine
from .stream import Parameters, read_stream


@dataclass(frozen=True)
class Started:
    """A convolution whose operands have been read: accumulators (T, N) and parameters for its epilogue."""

    conv: Conv
    parameters: Parameters
    acc: np.ndarray


def start(machine: Machine, conv: Conv, arriving: Iterator[None] | None = None) -> Started:
    """Stream the operands through prologue and array. Softmax's row sums are written here already.

    Args:
        arriving: for a convolution that follows a LOAD: brings one row of it for each item that is taken.
    """
    parameters = read_stream(conv, machine.dram[Base.IMAGE], machine.config)
    entered = _prologue(machine, conv, parameters, arriving)
    if conv.prologue == Prologue.EXPONENTIAL:
        machine.sums[conv.sum_slot, : conv.tokens] = entered.sum(axis=1)
    return Started(conv, parameters, convolve(entered, _stationary(machine, conv, parameters)))


def finish(machine: Machine, started: Started) -> None:
    """The epilogue: requantise, look up or add, write, and keep what later ones need of each token."""
    conv, parameters, acc = started.conv, started.parameters, started.acc
    if conv.divide:
        acc = divide(acc, machine.sums[conv.sum_slot, : conv.tokens])
    limits = INT16 if conv.to_residual else UINT8 if conv.out_unsigned else INT8
    result = requantise(acc, parameters.bias, parameters.mult, parameters.shift, limits)
    if conv.table:
        result = look_up(result, parameters.table)
    space = Space.RESIDUAL if conv.to_residual else Space.ACTIVATION
    words = tiles(conv.n, machine.config.rows)
    addresses = _addresses(conv.tokens, words, conv.out_base, conv.out_token_stride, conv.out_word_stride)
    if conv.add:
        old = machine.words(space, addresses).reshape(conv.tokens, -1)[:, : conv.n]
        result = add_residual(old, result)
    lanes = machine.noise.integers(0, 256, (conv.tokens, words * machine.config.rows))
    lanes[:, : conv.n] = result
    stored = lanes.astype(np.int16 if conv.to_residual else np.uint8)
    machine.put(space, addresses, stored.reshape(conv.tokens, words, -1))
    rows = slice(conv.first_token, conv.first_token + conv.tokens)
    if conv.row_max:
        machine.maxima[conv.max_slot, rows] = _signed(stored[:, : conv.n]).max(axis=1)
    if conv.sums:
        constants = NormConstants(
            conv.mean_mult, conv.mean_shift, conv.norm_mult, conv.norm_shift, conv.epsilon
        )
        found = statistics(*token_sums(result), constants)
        machine.mean[rows], machine.mult[rows], machine.shift[rows] = found


def _prologue(
    machine: Machine, conv: Conv, parameters: Parameters, arriving: Iterator[None] | None
) -> np.ndarray:
    """What enters the array, (T, K)."""
    space = Space.RESIDUAL if conv.prologue == Prologue.NORMALISE else Space.ACTIVATION
    words = tiles(conv.k, machine.config.rows)
    addresses = _addresses(conv.tokens, words, conv.in_base, conv.in_token_stride, conv.in_tile_stride)
    if arriving is None:
        lanes = machine.words(space, addresses)
    else:  # each K-tile is read when its row is there and the next one is not
        tiles_in_order = zip(arriving, addresses.T, strict=False)
        lanes = np.stack([machine.words(space, tile) for _, tile in tiles_in_order], axis=1)
    lanes = lanes.reshape(conv.tokens, -1)[:, : conv.k]
    rows = slice(conv.first_token, conv.first_token + conv.tokens)
    if conv.prologue == Prologue.NORMALISE:
        return normalise(
            lanes, machine.mean[rows], machine.mult[rows], machine.shift[rows], parameters.channel_shift
        )
    if conv.prologue == Prologue.EXPONENTIAL:
        # A maximum that is not the row's own gives a wrong but defined entry, as an 8-bit subtractor would.
        difference = machine.maxima[conv.max_slot, rows, None] - _signed(lanes)
        return parameters.exp_table[difference & 255]
    return np.asarray(lanes, np.int64) if conv.in_unsigned else _signed(lanes)


def _stationary(machine: Machine, conv: Conv, parameters: Parameters) -> np.ndarray:
    """The stationary operand, (N, K)."""
    if conv.stationary == Stationary.STREAM:
        return parameters.weight
    tokens, channels = (conv.n, conv.k) if conv.stationary == Stationary.KEYS else (conv.k, conv.n)
    words = tiles(channels, machine.config.rows)
    addresses = _addresses(tokens, words, conv.stat_base, conv.stat_token_stride, conv.stat_word_stride)
    lanes = _signed(machine.words(Space.ACTIVATION, addresses).reshape(tokens, -1)[:, :channels])
    return lanes if conv.stationary == Stationary.KEYS else lanes.T


def _addresses(tokens: int, words: int, base: int, token_stride: int, word_stride: int) -> np.ndarray:
    """(tokens, words) word addresses."""
    return base + np.arange(tokens)[:, None] * token_stride + np.arange(words) * word_stride


def _signed(lanes: np.ndarray) -> np.ndarray:
    """int8 lanes, kept as bytes, as int64."""
    return np.ascontiguousarray(lanes).view(np.int8).astype(np.int64)
