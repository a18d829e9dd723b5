"""The stationary stream: tables, parameters, channel shifts and weights in the order of use."""

from dataclasses import dataclass

import numpy as np

from tests.independent.reference.core import Core, Unsound, ceil_div
from tests.independent.reference.fields import Conv, Prologue, StationarySource
from tests.independent.reference.image import pad
from tests.independent.reference.picture import Sizes

PARAMETER_ROWS = 8
MAX_SHIFT, MAX_CHANNEL_SHIFT = 47, 15


@dataclass
class Operands:
    """What the stream of one CONV says. An array that the instruction does not ask for is None.

    Attributes:
        bias, mult, shift: of N channels: int32, uint16, 1..47.
        weights: with STREAM, int8: N × K × taps, or N × K where there is one tap. With `diagonal` N × words ×
            taps: of each K-tile the one weight of a channel.
        channel_shifts: with `shifts`, N-tiles × K, 0..15.
        exponential_table, table: with EXPONENTIAL and `table`, 256 bytes.
    """

    bias: np.ndarray
    mult: np.ndarray
    shift: np.ndarray
    weights: np.ndarray | None = None
    channel_shifts: np.ndarray | None = None
    exponential_table: np.ndarray | None = None
    table: np.ndarray | None = None


@dataclass(frozen=True)
class Shape:
    """Counts of rows and tiles."""

    n_tiles: int
    words: int  # of R channels
    taps: int  # of each word
    table_rows: int  # of one table
    tables: int
    shift_rows: int  # of a K-tile
    weight_rows: int  # of a K-tile

    @classmethod
    def of(cls, conv: Conv, core: Core) -> "Shape":
        sizes = Sizes.of(conv, core)
        weight_rows = 1 if conv.diagonal else ceil_div(core.rows, 1 << conv.packing)
        return cls(
            n_tiles=sizes.tiles,
            words=sizes.words,
            taps=sizes.kernel,
            table_rows=ceil_div(256, core.cols),
            tables=(conv.prologue == Prologue.EXPONENTIAL) + conv.table,
            shift_rows=ceil_div(core.rows, core.cols) if conv.shifts else 0,
            weight_rows=weight_rows if conv.stationary == StationarySource.STREAM else 0,
        )

    @property
    def k_tiles(self) -> int:
        """K-tiles, word by word and tap by tap."""
        return self.words * self.taps

    @property
    def tile_rows(self) -> int:
        """Rows of an N-tile."""
        return PARAMETER_ROWS + self.k_tiles * (self.shift_rows + self.weight_rows)

    @property
    def rows(self) -> int:
        return self.tables * self.table_rows + self.n_tiles * self.tile_rows


def stream_bytes(conv: Conv, core: Core) -> int:
    """Length of the stream, padding included."""
    return ceil_div(Shape.of(conv, core).rows * core.row_bytes, 64) * 64


def unpack(data: np.ndarray, conv: Conv, core: Core) -> Operands:
    """The operands in a stream: `data` is uint8, of at least `stream_bytes`."""
    shape = Shape.of(conv, core)
    rows = data[: shape.rows * core.row_bytes].reshape(shape.rows, core.row_bytes)[:, : core.cols]
    tables = [rows[i * shape.table_rows :][: shape.table_rows].reshape(-1)[:256] for i in range(shape.tables)]
    tiles = rows[shape.tables * shape.table_rows :].reshape(shape.n_tiles, shape.tile_rows, core.cols)

    parameters = tiles[:, :PARAMETER_ROWS].transpose(0, 2, 1).reshape(-1, PARAMETER_ROWS)[: conv.n].copy()
    k_tiles = tiles[:, PARAMETER_ROWS:].reshape(shape.n_tiles, shape.k_tiles, -1, core.cols)
    operands = Operands(
        bias=parameters[:, 0:4].copy().view("<i4")[:, 0].astype(np.int64),
        mult=parameters[:, 4:6].copy().view("<u2")[:, 0].astype(np.int64),
        shift=parameters[:, 6].astype(np.int64),
    )
    if conv.prologue == Prologue.EXPONENTIAL:
        operands.exponential_table = tables[0]
    if conv.table:
        operands.table = tables[-1]
    if conv.shifts:
        lanes = k_tiles[:, :, : shape.shift_rows].reshape(shape.n_tiles, shape.k_tiles, -1)[:, :, : core.rows]
        operands.channel_shifts = lanes.reshape(shape.n_tiles, -1)[:, : conv.k]
        if operands.channel_shifts.max() > MAX_CHANNEL_SHIFT:
            raise Unsound("the shift of an input lane is not 0..15")
    if conv.stationary == StationarySource.STREAM:
        operands.weights = _unpack_weights(k_tiles[:, :, shape.shift_rows :], shape, conv, core)
    if operands.shift.min() < 1 or operands.shift.max() > MAX_SHIFT:
        raise Unsound("a channel's shift is not 1..47")
    return operands


def pack(operands: Operands, conv: Conv, core: Core) -> bytes:
    """The stream of the operands, padded to a multiple of 64 bytes."""
    shape = Shape.of(conv, core)
    rows = np.zeros((shape.rows, core.row_bytes), np.uint8)
    tables = [table for table in (operands.exponential_table, operands.table) if table is not None]
    for i, table in enumerate(tables):
        flat = np.zeros(shape.table_rows * core.cols, np.uint8)
        flat[:256] = np.asarray(table).astype(np.uint8)
        rows[i * shape.table_rows :][: shape.table_rows, : core.cols] = flat.reshape(-1, core.cols)

    parameters = np.zeros((shape.n_tiles * core.cols, PARAMETER_ROWS), np.uint8)
    parameters[: conv.n, 0:4] = operands.bias.astype("<i4")[:, None].view(np.uint8)
    parameters[: conv.n, 4:6] = operands.mult.astype("<u2")[:, None].view(np.uint8)
    parameters[: conv.n, 6] = operands.shift
    tiles = np.zeros((shape.n_tiles, shape.tile_rows, core.cols), np.uint8)
    tiles[:, :PARAMETER_ROWS] = parameters.reshape(shape.n_tiles, core.cols, -1).transpose(0, 2, 1)
    k_tiles = tiles[:, PARAMETER_ROWS:].reshape(shape.n_tiles, shape.k_tiles, -1, core.cols)
    if conv.shifts:
        lanes = np.zeros((shape.n_tiles, shape.k_tiles, shape.shift_rows * core.cols), np.uint8)
        filled = np.zeros((shape.n_tiles, shape.k_tiles * core.rows), np.uint8)
        filled[:, : conv.k] = operands.channel_shifts
        lanes[:, :, : core.rows] = filled.reshape(shape.n_tiles, shape.k_tiles, core.rows)
        k_tiles[:, :, : shape.shift_rows] = lanes.reshape(shape.n_tiles, shape.k_tiles, -1, core.cols)
    if conv.stationary == StationarySource.STREAM:
        k_tiles[:, :, shape.shift_rows :] = _pack_weights(operands.weights, shape, conv, core)
    tiles[:, PARAMETER_ROWS:] = k_tiles.reshape(shape.n_tiles, -1, core.cols)
    rows[shape.tables * shape.table_rows :, : core.cols] = tiles.reshape(-1, core.cols)
    return pad(rows.tobytes())


def _unpack_weights(packed: np.ndarray, shape: Shape, conv: Conv, core: Core) -> np.ndarray:
    """N-tiles × K-tiles × rows × C bytes, to the weights of `Operands`."""
    lanes = packed.view(np.int8) if conv.diagonal else _unpack_bytes(packed, conv.packing)[:, :, : core.rows]
    lanes = lanes.reshape(shape.n_tiles, shape.words, shape.taps, -1, core.cols)  # i, word, tap, r, c
    matrix = lanes.transpose(0, 4, 1, 3, 2).reshape(shape.n_tiles * core.cols, -1, shape.taps)
    return matrix[: conv.n, : shape.words if conv.diagonal else conv.k]


def _pack_weights(weights: np.ndarray, shape: Shape, conv: Conv, core: Core) -> np.ndarray:
    """The inverse of `_unpack_weights`; bytes past the edges of K and N are zero."""
    rows = 1 if conv.diagonal else core.rows
    weights = np.asarray(weights).reshape(conv.n, -1, shape.taps)
    matrix = np.zeros((shape.n_tiles * core.cols, shape.words * rows, shape.taps), np.int8)
    matrix[: conv.n, : weights.shape[1]] = weights
    lanes = matrix.reshape(shape.n_tiles, core.cols, shape.words, rows, shape.taps).transpose(0, 2, 4, 3, 1)
    return _pack_bytes(lanes.reshape(shape.n_tiles, shape.k_tiles, rows, core.cols), conv.packing)


def _unpack_bytes(packed: np.ndarray, packing: int) -> np.ndarray:
    """… × bytes × C, to … × weights × C of int8: lowest bits first, two's complement."""
    if not packing:
        return packed.view(np.int8)
    bits = 8 >> packing
    left = 8 - bits - bits * np.arange(1 << packing, dtype=np.uint8)  # brings weight i to the top of the byte
    spread = (packed[..., None, :] << left[:, None]).astype(np.uint8).view(np.int8) >> 8 - bits
    return spread.reshape(*packed.shape[:-2], -1, packed.shape[-1])


def _pack_bytes(lanes: np.ndarray, packing: int) -> np.ndarray:
    """The inverse of `_unpack_bytes`; the last byte of an odd number of weights is filled up with zeros."""
    bits, each = 8 >> packing, 1 << packing
    short = -lanes.shape[-2] % each
    filled = np.pad(lanes, [(0, 0)] * (lanes.ndim - 2) + [(0, short), (0, 0)]).astype(np.uint8)
    groups = filled.reshape(*filled.shape[:-2], -1, each, filled.shape[-1]) & (1 << bits) - 1
    return sum(groups[..., i, :] << bits * i for i in range(each)).astype(np.uint8)
