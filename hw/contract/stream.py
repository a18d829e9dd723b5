"""The stationary stream: what a convolution reads from DRAM, in exactly the order in which the core consumes
it.

It is a sequence of rows of C bytes, each padded to ``row_bytes``; the whole is padded to a multiple of 64
bytes::

    EXPONENTIAL:  the exponential table, 256 bytes in ceil(256 / C) rows
    table:        the activation table, likewise
    for each N-tile:
        8 rows, the parameter planes: byte j of column c belongs to channel n0 + c, where the eight bytes are
            0..3 bias (int32), 4..5 multiplier (uint16), 6 shift (1..47), 7 zero
        for each K-tile:
            shifts:  ceil(R / C) rows: byte c of row i is the shift (0..15) of lane i·C + c
            STREAM:  R rows: byte c of row r is W[n0 + c, k0 + r] (int8), zero past the edges

Bytes past the edges of K and N are zero.
"""

from .config import CoreConfig
from .image import align
from .isa import Conv, Prologue, Stationary

TABLE_ENTRIES = 256
PLANES = 8
PLANE_BIAS = 0
PLANE_MULT = 4
PLANE_SHIFT = 6
SHIFT_BITS = 4


def table_rows(config: CoreConfig) -> int:
    """Rows of one table."""
    return -(-TABLE_ENTRIES // config.cols)


def shift_rows(config: CoreConfig) -> int:
    """Rows of the channel shifts of one K-tile."""
    return -(-config.rows // config.cols)


def tiles(size: int, width: int) -> int:
    """Tiles of ``width`` that cover ``size``."""
    return -(-size // width)


def stream_rows(conv: Conv, config: CoreConfig) -> int:
    """Rows of the stationary stream of ``conv``."""
    rows = table_rows(config) * ((conv.prologue == Prologue.EXPONENTIAL) + conv.table)
    per_tile = shift_rows(config) * conv.shifts + config.rows * (conv.stationary == Stationary.STREAM)
    return rows + tiles(conv.n, config.cols) * (PLANES + tiles(conv.k, config.rows) * per_tile)


def stream_bytes(conv: Conv, config: CoreConfig) -> int:
    """Bytes of the stationary stream of ``conv`` in the image, padding included."""
    return align(stream_rows(conv, config) * config.row_bytes)
