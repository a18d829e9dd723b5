"""The stationary stream of an operation: tables, parameters, channel shifts and weights in the order of use.

The order is that of ``pointwise.hw.contract.stream``; here the bytes are made, for all tiles at once.
"""

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import align
from pointwise.hw.contract.legal import CHANNEL_SHIFTS, SHIFTS
from pointwise.hw.contract.stream import (
    PLANE_BIAS,
    PLANE_MULT,
    PLANE_SHIFT,
    PLANES,
    shift_rows,
    table_rows,
    tiles,
)
from pointwise.hw.contract.walks import group_words
from pointwise.model.engine.op import Diagonal, EngineOp, Exponential, LookUp, Normalise, Weights
from pointwise.model.graph.value import LIMITS


def padded_channels(parts: tuple[int, ...], config: CoreConfig) -> int:
    """K of a convolution whose input is ``parts`` side by side, each starting at a word border."""
    return sum(tiles(width, config.rows) * config.rows for width in parts[:-1]) + parts[-1]


def spread(values: np.ndarray, parts: tuple[int, ...], config: CoreConfig) -> np.ndarray:
    """Insert zeros along the last axis where the parts of the input have padding lanes."""
    out = np.zeros((*values.shape[:-1], padded_channels(parts, config)), values.dtype)
    source = target = 0
    for width in parts:
        out[..., target : target + width] = values[..., source : source + width]
        source += width
        target += tiles(width, config.rows) * config.rows
    return out


def channel_shifts(op: EngineOp) -> np.ndarray | None:
    """The channel shifts that the stream has to carry: without them they are zero everywhere."""
    return op.prologue.shifts if isinstance(op.prologue, Normalise) else None


def pack_stream(op: EngineOp, parts: tuple[int, ...], config: CoreConfig) -> bytes:
    """The bytes of ``op``'s stream, a multiple of 64.

    Args:
        parts: channels of its inputs, in order.

    Raises:
        PointwiseError: a parameter is out of the range that the stream can hold.
    """
    rows, cols = config.rows, config.cols
    n_tiles, k_tiles = tiles(op.n, cols), tiles(padded_channels(parts, config), rows) if parts else 0
    body = [_planes(op, n_tiles, cols)]
    per_tile = []
    shifts = channel_shifts(op)
    if shifts is not None:
        shifts = _in_range(op, "channel_shift", spread(np.asarray(shifts), parts, config), *CHANNEL_SHIFTS)
        lanes = _padded(shifts.astype(np.uint8)[None], 1, k_tiles * rows).reshape(k_tiles, rows)
        words = _padded(lanes, k_tiles, shift_rows(config) * cols).reshape(k_tiles, shift_rows(config), cols)
        per_tile.append(words[_words_of(op, n_tiles, k_tiles, config)])
    if isinstance(op.stationary, Weights):
        half = 1 << op.stationary.bits - 1
        weight = _in_range(op, "weight", np.asarray(op.stationary.values), -half, half - 1)
        per_tile.append(_packed(_by_tile(weight, parts, config), op.stationary.bits))
    elif isinstance(op.stationary, Diagonal):
        values = _in_range(op, "weight", np.asarray(op.stationary.values), -128, 127)
        per_tile.append(_diagonals(values, config))
    if per_tile:
        body.append(np.concatenate(per_tile, axis=2).reshape(n_tiles, -1, cols))
    parts_of_stream = []
    if isinstance(op.prologue, Exponential):
        parts_of_stream.append(_table(op, "exponentials", op.prologue.table, *LIMITS["uint8"], config))
    if (looked_up := op.stage(LookUp)) is not None:
        parts_of_stream.append(_table(op, "table", looked_up.table, *LIMITS[looked_up.dtype], config))
    parts_of_stream.append(np.concatenate(body, axis=1).reshape(-1, cols))
    stream = np.concatenate(parts_of_stream)
    out = np.zeros((len(stream), config.row_bytes), np.uint8)
    out[:, :cols] = stream
    return out.tobytes().ljust(align(out.size), b"\0")


def _words_of(op: EngineOp, n_tiles: int, k_tiles: int, config: CoreConfig) -> np.ndarray:
    """The words of channels that each N-tile streams, (N-tiles, words): all of them, or with a diagonal those
    of its own channels. Past the last channel the last word stands for zeros: no weight is there."""
    if not isinstance(op.stationary, Diagonal):
        return np.broadcast_to(np.arange(k_tiles), (n_tiles, k_tiles))
    first = np.arange(n_tiles) * config.cols // config.rows
    return np.minimum(first[:, None] + np.arange(group_words(config)), k_tiles - 1)


def _by_tile(weight: np.ndarray, parts: tuple[int, ...], config: CoreConfig) -> np.ndarray:
    """(N-tiles, K-tiles, R, C) of weights (N, K) or (N, K, lines, taps); each word of channels tap by tap."""
    rows, cols = config.rows, config.cols
    taps = weight.reshape(*weight.shape[:2], -1).transpose(2, 0, 1)  # (taps, N, K)
    channels = spread(taps, parts, config)
    n_tiles, words = tiles(weight.shape[0], cols), tiles(channels.shape[2], rows)
    missing = ((0, 0), (0, n_tiles * cols - channels.shape[1]), (0, words * rows - channels.shape[2]))
    whole = np.pad(channels, missing).reshape(len(taps), n_tiles, cols, words, rows)
    return whole.transpose(1, 3, 0, 4, 2).reshape(n_tiles, words * len(taps), rows, cols)


def _diagonals(values: np.ndarray, config: CoreConfig) -> np.ndarray:
    """(N-tiles, K-tiles, 1, C) of the weights (C, lines, taps) of each channel; a column is of one word."""
    rows, cols = config.rows, config.cols
    n_tiles, words = tiles(len(values), cols), group_words(config)
    taps = values.reshape(len(values), -1).T
    whole = np.pad(taps, ((0, 0), (0, n_tiles * cols - len(values)))).reshape(len(taps), n_tiles, 1, cols)
    word = np.arange(cols) // rows == np.arange(words)[:, None]  # (words, C)
    return (whole.transpose(1, 2, 0, 3) * word[:, None]).reshape(n_tiles, -1, 1, cols).astype(np.uint8)


def _packed(weights: np.ndarray, bits: int) -> np.ndarray:
    """Bytes of weights (N-tiles, K-tiles, R, C), with 8 / ``bits`` rows in one."""
    count = 8 // bits
    missing = -weights.shape[2] % count
    rows = np.pad(weights.astype(np.int64), ((0, 0), (0, 0), (0, missing), (0, 0))) & (1 << bits) - 1
    rows = rows.reshape(*rows.shape[:2], -1, count, rows.shape[3])
    return (rows << bits * np.arange(count)[:, None]).sum(axis=3).astype(np.uint8)


def _planes(op: EngineOp, n_tiles: int, cols: int) -> np.ndarray:
    """(n_tiles, 8, C) bytes of bias, multiplier and shift."""
    count, factors = op.n, op.requantise
    planes = np.zeros((n_tiles * cols, PLANES), np.uint8)
    bias = _in_range(op, "bias", np.asarray(factors.bias), -(1 << 31), (1 << 31) - 1).astype("<i4")
    mult = _in_range(op, "mult", np.asarray(factors.mult), 0, 65535).astype("<u2")
    shift = _in_range(op, "shift", np.asarray(factors.shift), *SHIFTS).astype(np.uint8)
    planes[:count, PLANE_BIAS:PLANE_MULT] = bias[:, None].view(np.uint8)
    planes[:count, PLANE_MULT:PLANE_SHIFT] = mult[:, None].view(np.uint8)
    planes[:count, PLANE_SHIFT] = shift
    return planes.reshape(n_tiles, cols, PLANES).transpose(0, 2, 1)


def _table(
    op: EngineOp, name: str, values: np.ndarray, low: int, high: int, config: CoreConfig
) -> np.ndarray:
    """(rows, C) bytes of a table."""
    entries = _in_range(op, name, np.asarray(values, np.int64), low, high) & 255
    flat = np.zeros(table_rows(config) * config.cols, np.uint8)
    flat[: len(entries)] = entries
    return flat.reshape(-1, config.cols)


def _padded(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Zeros below and to the right, up to (height, width)."""
    return np.pad(values, ((0, height - values.shape[0]), (0, width - values.shape[1])))


def _in_range(op: EngineOp, name: str, values: np.ndarray, low: int, high: int) -> np.ndarray:
    if values.size and (values.min() < low or values.max() > high):
        raise PointwiseError(
            f"{op.name} has {name} values from {values.min()} to {values.max()}, but the stream "
            f"holds {low} to {high}; quantise the network again"
        )
    return values
