"""Random stationary operands: the stream and the activation words that hold them, and what they are."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, Prologue, StationarySource
from pointwise.hw.contract.stream import PLANES, TABLE_ENTRIES, shift_rows, stream_rows, table_rows


@dataclass(frozen=True)
class Tile:
    """One tile of a convolution.

    Attributes:
        number: of the convolution. tokens: how many stream through it. last_k: the last K-tile of its N-tile.
        last: the last tile of its convolution.
        weights: (n, k) int8, the part inside N and K. shifts: (k,) channel shifts, or None.
    """

    number: int
    tokens: int
    last_k: bool
    last: bool
    weights: np.ndarray
    shifts: np.ndarray | None


@dataclass(frozen=True)
class Work:
    """One convolution as the loader sees it.

    Attributes:
        conv: the instruction. tiles: in order.
        rows: (rows, C) bytes of the stationary stream.
        planes: (N-tiles, 8, C) bytes. exponential, table: (256,) bytes, used where the instruction says so.
        words: address to (R,) bytes of what it reads from the activation SRAM.
    """

    conv: Conv
    tiles: list[Tile]
    rows: np.ndarray
    planes: np.ndarray
    exponential: np.ndarray
    table: np.ndarray
    words: dict[int, np.ndarray]


def _conv(rng: np.random.Generator, config: CoreConfig, number: int) -> Conv:
    prologue = Prologue(int(rng.integers(0, 3)))
    stationary = StationarySource(int(rng.integers(0, 3)))
    k = int(rng.choice([1, config.rows, rng.integers(1, 4 * config.rows + 1)]))
    n = int(rng.choice([1, config.cols, rng.integers(1, 4 * config.cols + 1)]))
    tokens, channels = (n, k) if stationary == StationarySource.KEYS else (k, n)
    words = -(-channels // config.rows)
    token_stride, word_stride = ((words, 1), (1, tokens))[int(rng.integers(0, 2))]
    pictured = stationary == StationarySource.STREAM and prologue == Prologue.PLAIN
    taps = rng.choice([0, 1, rng.integers(0, 4)], 2) if pictured else (0, 0)
    diagonal = stationary == StationarySource.STREAM and bool(rng.integers(0, 2))
    packing = 0 if diagonal else int(rng.integers(0, 3))
    return Conv(
        tokens=int(rng.choice([1, rng.integers(1, 3 * config.rows + 1)])),
        k=k,
        n=n,
        in_base=0,
        in_token_stride=0,
        out_base=0,
        out_token_stride=0,
        stream_offset=0,
        stream_beats=0,
        prologue=prologue,
        stationary=stationary,
        packing=packing,
        diagonal=diagonal,
        extra_taps=int(taps[0]),
        extra_lines=int(taps[1]),
        stat_base=int(rng.integers(0, config.act_words - tokens * words)),
        stat_token_stride=token_stride,
        stat_word_stride=word_stride,
        table=bool(rng.integers(0, 2)),
        shifts=prologue == Prologue.NORMALISE and bool(rng.integers(0, 2)),
        wait_conv=max(0, number - int(rng.choice([1, 2, number + 1]))),
        wait_dma=number // 8,
    )


def _words(
    rng: np.random.Generator, config: CoreConfig, conv: Conv, weights: np.ndarray
) -> dict[int, np.ndarray]:
    """The tensor that KEYS or VALUES reads, token by token, word by word."""
    if conv.stationary == StationarySource.STREAM:
        return {}
    tensor = weights if conv.stationary == StationarySource.KEYS else weights.T  # (tokens, channels)
    found = {}
    for token, values in enumerate(tensor):
        for word, first in enumerate(range(0, len(values), config.rows)):
            lanes = rng.integers(0, 256, config.rows)
            part = values[first : first + config.rows]
            lanes[: len(part)] = part & 255
            found[conv.stat_base + token * conv.stat_token_stride + word * conv.stat_word_stride] = lanes
    return found


def _table_rows(config: CoreConfig, table: np.ndarray) -> list[np.ndarray]:
    padded = np.zeros(table_rows(config) * config.cols, np.int64)
    padded[:TABLE_ENTRIES] = table
    return list(padded.reshape(-1, config.cols))


def random_work(rng: np.random.Generator, config: CoreConfig, number: int) -> Work:
    """A random convolution, laid out as ``pointwise.hw.contract.stream`` and ``Conv`` say."""
    conv, height, width = _conv(rng, config, number), config.rows, config.cols
    bits = 8 >> conv.packing if conv.stationary == StationarySource.STREAM else 8
    weights = rng.integers(-(1 << bits - 1), 1 << bits - 1, (conv.taps, conv.n, conv.k))
    if conv.diagonal:
        weights *= np.arange(conv.n)[:, None] % height == np.arange(conv.k) % height
    shifts = rng.integers(0, 16, conv.k)
    exponential, table = rng.integers(0, 256, (2, TABLE_ENTRIES))
    planes = rng.integers(0, 256, (-(-conv.n // width), PLANES, width))
    rows = _table_rows(config, exponential) if conv.prologue == Prologue.EXPONENTIAL else []
    rows += _table_rows(config, table) if conv.table else []
    tiles = []
    for n_tile, first_n in enumerate(range(0, conv.n, width)):
        rows += list(planes[n_tile])
        for first_k, tap in product(range(0, conv.k, height), range(conv.taps)):
            inside = weights[tap, first_n : first_n + width, first_k : first_k + height]
            tile_shifts = shifts[first_k : first_k + height]
            if conv.shifts:
                padded = np.zeros(shift_rows(config) * width, np.int64)
                padded[: len(tile_shifts)] = tile_shifts
                rows += list(padded.reshape(-1, width))
            if conv.stationary == StationarySource.STREAM:
                tile = np.zeros((height, width), np.int64)
                tile[: inside.shape[1], : inside.shape[0]] = inside.T & (1 << bits) - 1
                count = 8 // bits
                if conv.diagonal:
                    # What belongs to lanes past K is anything, as their tokens are zero.
                    column = np.arange(width)
                    lane = (first_n + column) % height
                    row = tile[lane, column]
                    beyond = first_k + lane >= conv.k
                    rows.append(np.where(beyond, rng.integers(0, 256, width), row))
                for first in range(0, 0 if conv.diagonal else height, count):
                    together = enumerate(tile[first : first + count])
                    rows.append(sum(row << bits * place for place, row in together))
            last_k = first_k + height >= conv.k and tap == conv.taps - 1
            last = last_k and first_n + width >= conv.n
            tiles.append(
                Tile(number, conv.tokens, last_k, last, inside, tile_shifts if conv.shifts else None)
            )
    assert len(rows) == stream_rows(conv, config)
    words = _words(rng, config, conv, weights[0])
    return Work(conv, tiles, np.stack(rows), planes, exponential, table, words)
