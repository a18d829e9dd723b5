"""The weight-stationary systolic array."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.timing import array_latency

from .primitives import ACTIVATION, ceil_log2, delay
from .writes import ColumnLoad, RowLoad


def sum_shape(rows: int) -> Shape:
    """Shape of a column's result: R products of 9-bit by 8-bit lanes that are never −256, 16 bits each."""
    return signed(16 + ceil_log2(rows) if rows > 1 else 16)


class SystolicArray(wiring.Component):
    """R × C multipliers: ``result[c] = Σ_r token[r] · weight[r][c]``, one token a cycle.

    Activations move right by a column a cycle, sums move down by a row a cycle; the skew of both is inside,
    so that tokens enter and results leave as whole vectors. Every cell holds two weights, the active one and
    a shadow.
    ``swap`` comes with the first token of a tile and travels ahead of it: cell (r, c) takes its shadow in the
    cycle before that token reaches it. A row of shadows is loaded by a wavefront of the same slope, so the
    row r of the next tile may be offered from r + 1 cycles after the swap on, and until r cycles after its
    own; a tile of a single token then costs R cycles, no more.

    Ports:
        token: R lanes of −128..255.
        swap: this token is the first of the tile in the shadows.
        row: a row of the shadows, as the tile's wavefront passes.
        column: a whole column of the shadows at once; column c may be offered from R + c cycles after a swap
            on, and until c cycles after its own.
        result: C sums of ``sum_shape``.

    Latency: R + C + 2 cycles from token to result. Throughput: one token a cycle, with no bubble between
        tiles.
    """

    def __init__(self, rows: int, cols: int) -> None:
        self.rows, self.cols = rows, cols
        self.latency = array_latency(rows, cols)
        super().__init__(
            {
                "token": In(data.ArrayLayout(ACTIVATION, rows)),
                "swap": In(1),
                "row": In(RowLoad(rows, cols)),
                "column": In(ColumnLoad(rows, cols)),
                "result": Out(data.ArrayLayout(sum_shape(rows), cols)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows, cols = self.rows, self.cols
        row_data = [delay(m, self.row.data[c], c, name=f"row_data_{c}") for c in range(cols)]
        row_mask = [delay(m, self.row.mask[c], c, name=f"row_mask_{c}") for c in range(cols)]
        column_enable = [self.column.load & (self.column.index == c) for c in range(cols)]
        above: list[Any] = [None] * cols
        for r in range(rows):
            lane = delay(m, self.token[r], r + 1, name=f"lane_{r}")
            swap = delay(m, self.swap, r, name=f"lane_swap_{r}", reset_less=False)
            enable = self.row.load & (self.row.index == r)
            for c in range(cols):
                active = Signal(signed(8), name=f"active_{r}_{c}", reset_less=True)
                shadow = Signal(signed(8), name=f"shadow_{r}_{c}", reset_less=True)
                product = Signal(signed(16), name=f"product_{r}_{c}", reset_less=True)
                total = Signal(sum_shape(r + 1), name=f"sum_{r}_{c}", reset_less=True)
                lane = delay(m, lane, 1, name=f"token_{r}_{c}")
                swap = delay(m, swap, 1, name=f"swap_{r}_{c}", reset_less=False)
                with m.If(column_enable[c] | (enable & row_mask[c])):
                    m.d.sync += shadow.eq(Mux(column_enable[c], self.column.data[r], row_data[c]))
                with m.If(swap):
                    m.d.sync += active.eq(shadow)
                m.d.sync += product.eq(lane * active)
                m.d.sync += total.eq(product if above[c] is None else above[c] + product)
                above[c] = total
                enable = delay(m, enable, 1, name=f"enable_{r}_{c}", reset_less=False)
        m.d.comb += Cat(self.result[c] for c in range(cols)).eq(
            Cat(delay(m, above[c], cols - 1 - c, name=f"deskew_{c}") for c in range(cols))
        )
        return m
