"""The steps of a convolution over some of its tokens, K-tiles and output channels: what is read, what is
written."""

from itertools import pairwise

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, Prologue, Space, StationarySource
from pointwise.hw.contract.stream import k_tiles as k_tile_count
from pointwise.hw.contract.stream import tiles
from pointwise.hw.contract.walks import (
    ADDRESS_BITS,
    MAXIMUM_BITS,
    columns,
    group_tiles,
    lines,
    row_length,
    streamed,
)
from pointwise.model.integer.convolution import convolve
from pointwise.model.integer.layernorm import NormConstants, normalise, statistics, token_sums
from pointwise.model.integer.requantise import add_residual, add_scaled, look_up, requantise
from pointwise.model.integer.rounding import INT8, INT16, UINT8
from pointwise.model.integer.softmax import divide

from .machine import Machine
from .stream import Parameters


def read_streamed(machine: Machine, conv: Conv, tokens: range, k_tiles: range, n_tile: int = 0) -> np.ndarray:
    """Words of the streamed operand as an N-tile reads them, (tokens, K-tiles, R)."""
    addresses, outside = streamed_words(conv, machine.config, tokens, k_tiles, n_tile)
    words = machine.words(streamed_space(conv), np.where(outside, 0, addresses))
    if conv.padded:
        words[outside] = conv.pad_value
    return words


def enter(
    machine: Machine,
    conv: Conv,
    parameters: Parameters,
    words: np.ndarray,
    tokens: range,
    k_tiles: range,
    n_tile: int = 0,
) -> np.ndarray:
    """The prologue: from words of ``read_streamed`` to what enters the array in an N-tile, (tokens, channels)
    without those past K."""
    channels = _channels(conv, k_tiles, machine.config.rows)
    lanes = _inside(conv, words, k_tiles)
    rows = _numbers(conv, tokens)
    if conv.prologue == Prologue.NORMALISE:
        shift = parameters.channel_shift[n_tile, channels.start : channels.stop]
        return normalise(lanes, machine.mean[rows], machine.mult[rows], machine.shift[rows], shift)
    if conv.prologue == Prologue.EXPONENTIAL:
        # A maximum that is not the row's own gives a wrong but defined entry, as an 8-bit subtractor would.
        row_max = machine.maxima[conv.max_slot, rows, None]
        return parameters.exp_table[(row_max - _signed(lanes)) & 255]
    return np.asarray(lanes, np.int64) if conv.in_unsigned else _signed(lanes)


def read_stationary(
    machine: Machine, conv: Conv, parameters: Parameters, outputs: range, k_tiles: range
) -> np.ndarray:
    """The stationary operand, (outputs, channels)."""
    rows = machine.config.rows
    channels = _channels(conv, k_tiles, rows)
    if conv.stationary == StationarySource.STREAM:
        return parameters.weight[outputs.start : outputs.stop, channels.start : channels.stop]
    tokens, lanes = (outputs, channels) if conv.stationary == StationarySource.KEYS else (channels, outputs)
    words = range(lanes.start // rows, tiles(lanes.stop, rows))
    addresses = _grid(conv.stat_base, tokens, conv.stat_token_stride, words, conv.stat_word_stride)
    found = machine.words(Space.ACTIVATION, addresses).reshape(len(tokens), -1)
    first = lanes.start - words.start * rows
    found = _signed(found[:, first : first + len(lanes)])
    return found if conv.stationary == StationarySource.KEYS else found.T


def read_old(machine: Machine, conv: Conv, tokens: range, outputs: range) -> np.ndarray:
    """What results are added to, (tokens, outputs)."""
    addresses, lanes = _places(machine, conv, tokens, outputs)
    addresses = (addresses + conv.add_offset) % (1 << ADDRESS_BITS)
    return machine.words(written_space(conv), addresses).reshape(len(tokens), -1)[:, lanes]


def write_results(
    machine: Machine,
    conv: Conv,
    parameters: Parameters,
    acc: np.ndarray,
    tokens: range,
    outputs: range,
    old: np.ndarray | None = None,
) -> np.ndarray:
    """The epilogue of (tokens, outputs) accumulators: requantise, look up or add, write, and keep maxima.

    Args:
        old: what ``add`` adds to; None for what it is now.

    Returns:
        What was written, (tokens, outputs). Other lanes of these words keep what they held.
    """
    if conv.divide:
        acc = divide(acc, machine.sums[conv.sum_slot, tokens.start : tokens.stop])
    narrow = UINT8 if conv.out_unsigned else INT8
    limits = INT16 if conv.to_residual or conv.add else narrow
    channels = slice(outputs.start, outputs.stop)
    bias, mult, shift = (value[channels] for value in (parameters.bias, parameters.mult, parameters.shift))
    result = requantise(acc, bias, mult, shift, limits)
    if conv.table:
        result = look_up(result, parameters.table)
    addresses, inside = _places(machine, conv, tokens, outputs)
    words = machine.words(written_space(conv), addresses)
    lanes = words.reshape(len(tokens), -1)[:, inside]
    if conv.add:
        before = read_old(machine, conv, tokens, outputs) if old is None else old
        if conv.to_residual:
            result = add_residual(before, result)
        else:
            before = before if conv.add_unsigned else _signed(before)
            result = add_scaled(before, result, conv.add_factor, conv.add_shift, narrow)
    lanes[...] = result.astype(lanes.dtype)
    machine.put(written_space(conv), addresses, words)
    if conv.row_max:
        largest = _signed(lanes).max(axis=1)
        kept = machine.maxima[conv.max_slot, _numbers(conv, tokens)]
        kept[...] = np.maximum(kept, largest) if outputs.start else largest
    return result


def keep_statistics(machine: Machine, conv: Conv, result: np.ndarray) -> None:
    """LayerNorm's statistics of the whole result, (T, N)."""
    constants = NormConstants(conv.mean_mult, conv.mean_shift, conv.norm_mult, conv.norm_shift, conv.epsilon)
    rows = _numbers(conv, range(conv.tokens))
    found = statistics(*token_sums(result), constants)
    machine.mean[rows], machine.mult[rows], machine.shift[rows] = found


ACCUMULATOR_BITS = 32


def streamed_space(conv: Conv) -> Space:
    """The memory of the streamed operand."""
    return Space.RESIDUAL if conv.prologue == Prologue.NORMALISE else Space.ACTIVATION


def written_space(conv: Conv) -> Space:
    """The memory of the result."""
    return Space.RESIDUAL if conv.to_residual else Space.ACTIVATION


def overtakes_itself(machine: Machine, conv: Conv) -> bool:
    """Whether it writes something that it also reads as an operand, so that the order of both is seen."""
    rows = machine.config.rows
    tokens, k_words, n_words = range(conv.tokens), range(tiles(conv.k, rows)), range(tiles(conv.n, rows))
    grids = []
    if streamed_space(conv) == written_space(conv):
        for n_tile in range(tiles(conv.n, machine.config.cols) if conv.in_group_stride else 1):
            taken = range(k_tile_count(conv, machine.config))
            addresses, outside = streamed_words(conv, machine.config, tokens, taken, n_tile)
            grids.append(addresses[~outside])
    if conv.stationary != StationarySource.STREAM and not conv.to_residual:
        keys = conv.stationary == StationarySource.KEYS
        there, words = (range(conv.n), k_words) if keys else (range(conv.k), n_words)
        grids.append(_grid(conv.stat_base, there, conv.stat_token_stride, words, conv.stat_word_stride))
    if conv.row_max and conv.prologue == Prologue.EXPONENTIAL:
        return True  # of the same slot, or it does no harm to look closely
    written = _grid(conv.out_base, tokens, conv.out_token_stride, n_words, conv.out_word_stride)
    return any(np.isin(written, grid).any() for grid in grids)


def _places(machine: Machine, conv: Conv, tokens: range, outputs: range) -> tuple[np.ndarray, slice]:
    """(tokens, words) addresses of results, and which lanes of a token's words side by side are theirs."""
    rows = machine.config.rows
    words = range(outputs.start // rows, tiles(outputs.stop, rows))
    first = outputs.start - words.start * rows
    addresses = _grid(conv.out_base, tokens, conv.out_token_stride, words, conv.out_word_stride)
    return addresses, slice(first, first + len(outputs))


def _numbers(conv: Conv, tokens: range) -> slice:
    """Under what numbers row maxima and statistics of tokens are kept."""
    return slice(conv.first_token + tokens.start, conv.first_token + tokens.stop)


def streamed_words(
    conv: Conv, config: CoreConfig, tokens: range, k_tiles: range, n_tile: int
) -> tuple[np.ndarray, np.ndarray]:
    """(tokens, K-tiles) word addresses that an N-tile reads, and which lie outside of the picture."""
    token, tile = np.arange(tokens.start, tokens.stop)[:, None], np.arange(k_tiles.start, k_tiles.stop)
    row = row_length(conv)
    column, line = token % row, token // row
    line_taps = conv.extra_taps + 1
    tap, tap_line = tile % line_taps, tile // line_taps % (conv.extra_lines + 1)
    word = tile // conv.taps
    turns = (column, line, tap, tap_line, word, 0, n_tile // group_tiles(config))
    address, x, y = (nest(conv, config).address(turns) for nest in (streamed, columns, lines))
    beyond = (x >= conv.in_width) | (y >= conv.in_height)
    return address, beyond & conv.padded


def edges(conv: Conv, k_tiles: range, width: int) -> list[int]:
    """Where the channels of each of some K-tiles begin, all tiles side by side, and where the last ends."""
    found = []
    for tile in range(k_tiles.start, k_tiles.stop + 1):
        word, tap = divmod(tile, conv.taps)
        first = min(conv.k, word * width)
        found.append(first * conv.taps + tap * min(width, conv.k - first))
    return found


def combine(conv: Conv, entered: np.ndarray, weight: np.ndarray, k_tiles: range, width: int) -> np.ndarray:
    """What array and accumulators make of some K-tiles: (tokens, outputs) sums, or the largest of tiles."""
    if not conv.maximum:
        return wrapped(convolve(entered, weight), ACCUMULATOR_BITS)
    places = edges(conv, k_tiles, width)
    first = places[0]
    sums = [
        wrapped(
            convolve(entered[:, start - first : end - first], weight[:, start - first : end - first]),
            MAXIMUM_BITS,
        )
        for start, end in pairwise(places)
    ]
    return np.maximum.reduce(sums)


def wrapped(sums: np.ndarray, bits: int) -> np.ndarray:
    """The lowest bits of sums, two's complement."""
    half = 1 << bits - 1
    return (sums + half) % (2 * half) - half


def _channels(conv: Conv, k_tiles: range, width: int) -> range:
    """The channels of some tiles side by side, those past the edge left out."""
    found = edges(conv, k_tiles, width)
    return range(found[0], found[-1])


def _inside(conv: Conv, words: np.ndarray, k_tiles: range) -> np.ndarray:
    """Lanes of (tokens, K-tiles, R) words without those past K, (tokens, channels)."""
    width = words.shape[2]
    count = np.minimum(width, conv.k - np.arange(k_tiles.start, k_tiles.stop) // conv.taps * width)
    return words[:, np.arange(width) < count[:, None]]


def _grid(base: int, tokens: range, token_stride: int, words: range, word_stride: int) -> np.ndarray:
    """(tokens, words) word addresses."""
    return base + np.asarray(tokens)[:, None] * token_stride + np.asarray(words) * word_stride


def _signed(lanes: np.ndarray) -> np.ndarray:
    """int8 lanes, kept as bytes, as int64."""
    return np.ascontiguousarray(lanes).view(np.int8).astype(np.int64)
