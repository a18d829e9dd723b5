"""One convolution: in two halves, the start that reads the operands and the finish that writes the results;
or tile by tile and token by token, where it writes what it reads."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.isa import Base, Conv, Prologue
from pointwise.hw.contract.stream import k_tiles as k_tile_count

from .machine import Machine
from .steps import (
    ACCUMULATOR_BITS,
    combine,
    enter,
    keep_statistics,
    read_old,
    read_stationary,
    read_streamed,
    wrapped,
    write_results,
)
from .stream import Parameters, read_stream


@dataclass
class Started:
    """A convolution whose operands have been read.

    Attributes:
        acc: (T, N) accumulators. parameters: for its epilogue.
        old: what ``add`` adds to, where its epilogue has read that before its time; else None.
        written: what its epilogue still writes, an N-tile for each item, where it has begun to.
        tiles: the N-tiles of it that have been written.
    """

    conv: Conv
    parameters: Parameters
    acc: np.ndarray
    old: np.ndarray | None = None
    written: Iterator[None] | None = None
    tiles: int = 0


def start(machine: Machine, conv: Conv, arriving: Iterator[None] | None = None) -> Started:
    """Stream the operands through prologue and array. Softmax's row sums are written here already.

    Args:
        arriving: for a convolution that follows a LOAD, or another convolution: brings what one word of
            channels needs for each item that is taken, and in the end the rest.
    """
    config = machine.config
    parameters = read_stream(conv, machine.dram[Base.IMAGE], config)
    tokens, k_tiles = range(conv.tokens), range(k_tile_count(conv, config))
    if arriving is None:
        words = read_streamed(machine, conv, tokens, k_tiles)
    else:  # each K-tile is read when its row is there and the next one is not
        each = []
        for k_tile in k_tiles:
            if k_tile % conv.taps == 0:
                next(arriving, None)
            each.append(read_streamed(machine, conv, tokens, range(k_tile, k_tile + 1)))
        words = np.concatenate(each, axis=1)
        if conv.in_group_stride and conv.n > config.cols:  # later N-tiles wait for all rows
            for _ in arriving:
                pass
    weight = read_stationary(machine, conv, parameters, range(conv.n), k_tiles)
    shifts_differ = (parameters.channel_shift != parameters.channel_shift[0]).any()
    if shifts_differ or conv.in_group_stride:
        parts = []
        for n_tile, first in enumerate(range(0, conv.n, config.cols)):
            if n_tile and conv.in_group_stride:
                words = read_streamed(machine, conv, tokens, k_tiles, n_tile)
            entered = enter(machine, conv, parameters, words, tokens, k_tiles, n_tile)
            if conv.prologue == Prologue.EXPONENTIAL and not n_tile:
                machine.sums[conv.sum_slot, : conv.tokens] = entered.sum(axis=1)
            parts.append(combine(conv, entered, weight[first : first + config.cols], k_tiles, config.rows))
        return Started(conv, parameters, np.concatenate(parts, axis=1))
    entered = enter(machine, conv, parameters, words, tokens, k_tiles)
    if conv.prologue == Prologue.EXPONENTIAL:
        machine.sums[conv.sum_slot, : conv.tokens] = entered.sum(axis=1)
    return Started(conv, parameters, combine(conv, entered, weight, k_tiles, config.rows))


def finish(machine: Machine, started: Started) -> None:
    """The epilogue: requantise, look up or add, write, and keep what later ones need of each token."""
    for _ in started.written or _finishing(machine, started, started.conv.n):
        pass


def finish_words(machine: Machine, started: Started, words: int) -> Iterator[None]:
    """The epilogue word by word: writes N-tiles until the first ``i`` words are complete, for item ``i``.

    Args:
        words: so many items; then the rest.
    """
    cols, rows = machine.config.cols, machine.config.rows
    written = started.written = started.written or _finishing(machine, started, cols)
    for word in range(words):
        while started.tiles * cols < min(word * rows, started.conv.n):
            next(written, None)
            started.tiles += 1
        yield
    yield from written


def _finishing(machine: Machine, started: Started, width: int) -> Iterator[None]:
    """So many channels are written for each item."""
    conv, tokens, old, parts = started.conv, range(started.conv.tokens), started.old, []
    for first in range(0, conv.n, width):
        outputs = range(first, min(conv.n, first + width))
        acc = started.acc[:, first : outputs.stop]
        before = None if old is None else old[:, first : outputs.stop]
        parts.append(write_results(machine, conv, started.parameters, acc, tokens, outputs, before))
        yield
    if conv.sums:
        keep_statistics(machine, conv, np.concatenate(parts, axis=1))


def read_early(machine: Machine, started: Started) -> None:
    """The old residual of ``add`` is read although the convolution before has not written all: the epilogue
    reads some cycles ahead of its writes."""
    conv = started.conv
    if conv.add:
        started.old = read_old(machine, conv, range(conv.tokens), range(conv.n))


def interleave(machine: Machine, conv: Conv) -> None:
    """The whole convolution with every write as early as the hardware may make it.

    That is for each N-tile as soon as the token has entered the array in the last K-tile: before the next
    token is read, and before the next tile of K or V is.
    """
    config = machine.config
    parameters = read_stream(conv, machine.dram[Base.IMAGE], config)
    k_count = k_tile_count(conv, config)
    results = np.zeros((conv.tokens, conv.n), np.int64)
    totals = np.zeros(conv.tokens, np.int64)
    for first in range(0, conv.n, config.cols):
        outputs = range(first, min(conv.n, first + config.cols))
        acc = np.zeros((conv.tokens, len(outputs)), np.int64)
        for k_tile in range(k_count):
            here, last = range(k_tile, k_tile + 1), k_tile == k_count - 1
            weight = read_stationary(machine, conv, parameters, outputs, here)
            step = 1 if last else conv.tokens
            for token in range(0, conv.tokens, step):
                tokens, rows = range(token, token + step), slice(token, token + step)
                n_tile = first // config.cols
                words = read_streamed(machine, conv, tokens, here, n_tile)
                entered = enter(machine, conv, parameters, words, tokens, here, n_tile)
                sums = combine(conv, entered, weight, here, config.rows)
                if conv.maximum and k_tile:
                    acc[rows] = np.maximum(acc[rows], sums)
                else:
                    acc[rows] = wrapped(acc[rows] + sums, ACCUMULATOR_BITS)
                if conv.prologue == Prologue.EXPONENTIAL and first == 0:
                    totals[rows] += entered.sum(axis=1)
                if last:
                    if conv.prologue == Prologue.EXPONENTIAL and first == 0:
                        machine.sums[conv.sum_slot, rows] = totals[rows]
                    results[rows, first : outputs.stop] = write_results(
                        machine, conv, parameters, acc[rows], tokens, outputs
                    )
    if conv.sums:
        keep_statistics(machine, conv, results)
