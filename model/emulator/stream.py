"""Reading a stationary stream back, row by row in the order of ``pointwise.hw.contract.stream``."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Conv, Prologue, StationarySource
from pointwise.hw.contract.legal import CHANNEL_SHIFTS, SHIFTS
from pointwise.hw.contract.stream import (
    PLANE_BIAS,
    PLANE_MULT,
    PLANE_SHIFT,
    PLANES,
    TABLE_ENTRIES,
    shift_rows,
    stream_bytes,
    table_rows,
    tiles,
    weight_rows,
)


@dataclass(frozen=True)
class Parameters:
    """What the stream of a convolution holds.

    Attributes:
        exp_table, table: (256,) bytes, or None where the stream has none.
        bias, mult, shift: (N,) int64. channel_shift: (N-tiles, K) int64, the core takes those of each tile.
        weight: (N, K · taps) int64, the channels of all K-tiles side by side, or None.
    """

    exp_table: np.ndarray | Any
    table: np.ndarray | Any
    bias: np.ndarray
    mult: np.ndarray
    shift: np.ndarray
    channel_shift: np.ndarray
    weight: np.ndarray | Any


def read_stream(conv: Conv, image: bytes | bytearray, config: CoreConfig) -> Parameters:
    """Decode the stream of ``conv``; raises PointwiseError when the image does not hold it."""
    size = stream_bytes(conv, config)
    if conv.stream_offset + size > len(image):
        raise PointwiseError(
            f"a stream of {size} bytes at byte {conv.stream_offset} does not lie in the image, which has "
            f"{len(image)}; the program is not sound"
        )
    raw = np.frombuffer(image, np.uint8, size, conv.stream_offset)
    rows = _Rows(
        raw[: size // config.row_bytes * config.row_bytes].reshape(-1, config.row_bytes)[:, : config.cols]
    )
    exp_table = rows.table(config) if conv.prologue == Prologue.EXPONENTIAL else None
    table = rows.table(config) if conv.table else None
    lanes = _tile_lanes(conv, config)
    planes, weights, shifts = [], [], []
    for n_tile in range(tiles(conv.n, config.cols)):
        planes.append(rows.take(PLANES).T)
        columns = []
        for count in lanes:
            if conv.shifts:
                shifts.append(rows.take(shift_rows(config)).reshape(-1)[: config.rows])
            if conv.stationary == StationarySource.STREAM:
                packed = rows.take(weight_rows(conv, config))
                tile = _unpacked(packed, 8 >> conv.packing)[: config.rows]
                if conv.diagonal:
                    lane, column = np.arange(config.rows)[:, None], np.arange(config.cols)
                    tile = np.where(lane == (n_tile * config.cols + column) % config.rows, tile, 0)
                columns.append(tile[:count].T)
        weights.append(np.concatenate(columns, axis=1) if columns else None)
    plane = np.ascontiguousarray(np.concatenate(planes)[: conv.n])
    weight = None
    if conv.stationary == StationarySource.STREAM:
        weight = np.concatenate(weights)[: conv.n]
    channel_shift = np.zeros((len(planes), conv.k), np.int64)
    if conv.shifts:
        channel_shift[...] = np.concatenate(shifts).reshape(len(planes), -1)[:, : conv.k]  # of one tap
    shift = plane[:, PLANE_SHIFT].astype(np.int64)
    for name, values, (least, most) in (
        ("shift", shift, SHIFTS),
        ("channel shift", channel_shift, CHANNEL_SHIFTS),
    ):
        if values.min() < least or values.max() > most:
            raise PointwiseError(
                f"the stream at byte {conv.stream_offset} has {name}s from {values.min()} to {values.max()}; "
                f"expected {least} to {most}, the program is not sound"
            )
    return Parameters(
        exp_table,
        table,
        plane[:, PLANE_BIAS:PLANE_MULT].copy().view("<i4")[:, 0].astype(np.int64),
        plane[:, PLANE_MULT:PLANE_SHIFT].copy().view("<u2")[:, 0].astype(np.int64),
        shift,
        channel_shift,
        weight,
    )


def _tile_lanes(conv: Conv, config: CoreConfig) -> list[int]:
    """Lanes inside K of each K-tile."""
    words = range(0, conv.k, config.rows)
    return [min(config.rows, conv.k - first) for first in words for _ in range(conv.taps)]


def _unpacked(rows: np.ndarray, bits: int) -> np.ndarray:
    """Rows of bytes, each to 8 / ``bits`` rows of signed weights."""
    fields = (rows[:, None, :].astype(np.int64) >> bits * np.arange(8 // bits)[:, None]) & (1 << bits) - 1
    signed = fields - ((fields >> bits - 1) << bits)
    return signed.reshape(-1, rows.shape[1])


class _Rows:
    """A cursor over the rows of a stream."""

    def __init__(self, rows: np.ndarray) -> None:
        self._rows, self._position = rows, 0

    def take(self, count: int) -> np.ndarray:
        """The next rows, (count, C)."""
        first, self._position = self._position, self._position + count
        return self._rows[first : self._position]

    def table(self, config: CoreConfig) -> np.ndarray:
        """The 256 bytes of a table."""
        return self.take(table_rows(config)).reshape(-1)[:TABLE_ENTRIES].astype(np.int64)
