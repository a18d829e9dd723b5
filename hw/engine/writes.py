"""How the loader writes what is stationary: entries of tables, parameters of channels, weights of the array.

Signatures from the loader's side; whoever is written to has them as ``In``.
"""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import Out, Signature

from pointwise.hw.contract.stream import PLANES, TABLE_ENTRIES
from pointwise.hw.contract.timing import PARAMETER_BANKS, TABLE_BANKS

from .primitives import ceil_log2


class TableWrite(Signature):
    """Entries of a table.

    Args:
        lanes: entries in a cycle, a power of two.

    Members:
        write: entries are written in this cycle.
        bank: of the table.
        index: the entries are ``lanes`` · index and those that follow.
        data: the entries, bytes.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(
            {
                "write": Out(1),
                "bank": Out(range(TABLE_BANKS)),
                "index": Out(unsigned((TABLE_ENTRIES // lanes - 1).bit_length())),
                "data": Out(data.ArrayLayout(unsigned(8), lanes)),
            }
        )


class ParameterWrite(Signature):
    """A byte of the parameters of each of C channels (``pointwise.hw.contract.stream``).

    Members:
        write: it is written in this cycle.
        bank: of the parameters.
        plane: which byte, 0..7.
        data: that byte of each channel.
    """

    def __init__(self, cols: int) -> None:
        self.cols = cols
        super().__init__(
            {
                "write": Out(1),
                "bank": Out(range(PARAMETER_BANKS)),
                "plane": Out(range(PLANES)),
                "data": Out(data.ArrayLayout(unsigned(8), cols)),
            }
        )


class WeightLoad(Signature):
    """A row or a column of the array's shadow weights.

    Members:
        row: a row is loaded in this cycle.
        column: a column is; never both.
        index: which row or column.
        mask: of a row, columns in which it is loaded.
        data: max(R, C) weights, in blocks of min(R, C): the shorter of row and column in each of the blocks.
            Inside its block weight i lies in lane (i + ``index``) modulo the block's length.
    """

    def __init__(self, rows: int, cols: int) -> None:
        self.rows, self.cols = rows, cols
        lanes = max(rows, cols)
        super().__init__(
            {
                "row": Out(1),
                "column": Out(1),
                "index": Out(unsigned(ceil_log2(lanes))),
                "mask": Out(unsigned(cols)),
                "data": Out(data.ArrayLayout(signed(8), lanes)),
            }
        )
