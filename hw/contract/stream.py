"""The stationary stream: what a convolution reads from DRAM, in exactly the order in which the core consumes
it.

It is a sequence of rows of C bytes, each padded to ``row_bytes``; the whole is padded to a multiple of 64
bytes::

    EXPONENTIAL:  the exponential table, 256 bytes in ceil(256 / C) rows
    table:        the activation table, likewise
    for each N-tile:
        8 rows, the parameter planes: byte j of column c belongs to channel n0 + c, where the eight bytes are
            0..3 bias (int32), 4..5 multiplier (uint16), 6 shift (1..47), 7 zero
        for each K-tile, which is a word of R channels k0 and up at a tap (line by line):
            shifts:  ceil(R / C) rows: byte c of row i is the shift (0..15) of lane i·C + c
            STREAM:  R rows: byte c of row r is W[n0 + c, k0 + r] (int8), zero past the edges;
                     with 4 or 2 bits ceil(R / 2) or ceil(R / 4) rows, where bits 4·i or 2·i and up of byte c
                     of row r are W[n0 + c, k0 + 2·r + i] or W[n0 + c, k0 + 4·r + i], two's complement;
                     with diagonal one row, byte c is W[n0 + c, k0 + (n0 + c) mod R], and all others are
                     zero

Bytes past the edges of K and N are zero.
"""

from math import gcd

from .config import CoreConfig
from .image import align
from .isa import Conv, Prologue, StationarySource

TABLE_ENTRIES = 256
TABLE_LANES = 4
"""More of them make a table faster to load, and each reader's choice of an entry out of a word larger."""
WIDE_TABLE_LANES = 8
"""Of a core whose epilogue finishes all channels of a tile at once, which is not built for least area."""
PLANES = 8
PLANE_BIAS = 0
PLANE_MULT = 4
PLANE_SHIFT = 6
SHIFT_BITS = 4
PACKING = {8: 0, 4: 1, 2: 2}
"""Field ``packing`` of a CONV by the bits of its weights: the logarithm of weights in a byte."""


def table_lanes(config: CoreConfig) -> int:
    """Entries of a table that are written in a cycle, where rows of C bytes divide into them."""
    return gcd(WIDE_TABLE_LANES if config.groups == 1 else TABLE_LANES, config.cols)


def table_rows(config: CoreConfig) -> int:
    """Rows of one table."""
    return -(-TABLE_ENTRIES // config.cols)


def shift_rows(config: CoreConfig) -> int:
    """Rows of the channel shifts of one K-tile."""
    return -(-config.rows // config.cols)


def weight_rows(conv: Conv, config: CoreConfig) -> int:
    """Rows of the weights of one tile; 0 where they do not come from the stream."""
    if conv.stationary != StationarySource.STREAM:
        return 0
    return 1 if conv.diagonal else tiles(config.rows, 1 << conv.packing)


def tiles(size: int, width: int) -> int:
    """Tiles of ``width`` that cover ``size``."""
    return -(-size // width)


def k_tiles(conv: Conv, config: CoreConfig) -> int:
    """K-tiles of an N-tile: each word of channels at each tap."""
    return tiles(conv.k, config.rows) * (conv.extra_taps + 1) * (conv.extra_lines + 1)


def stream_rows(conv: Conv, config: CoreConfig) -> int:
    """Rows of the stationary stream of ``conv``."""
    rows = table_rows(config) * ((conv.prologue == Prologue.EXPONENTIAL) + conv.table)
    per_tile = shift_rows(config) * conv.shifts + weight_rows(conv, config)
    return rows + tiles(conv.n, config.cols) * (PLANES + k_tiles(conv, config) * per_tile)


def stream_bytes(conv: Conv, config: CoreConfig) -> int:
    """Bytes of the stationary stream of ``conv`` in the image, padding included."""
    return align(stream_rows(conv, config) * config.row_bytes)
