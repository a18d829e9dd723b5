"""The weight-stationary systolic array."""

from typing import Any

from amaranth.hdl import Cat, Module, Shape, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.timing import array_latency

from .primitives import ACTIVATION, ceil_log2, delay
from .writes import WeightLoad


def sum_shape(rows: int) -> Shape:
    """Shape of a column's result: R products of 9-bit by 8-bit lanes that are never −256, 16 bits each."""
    return signed(16 + ceil_log2(rows) if rows > 1 else 16)


class SystolicArray(wiring.Component):
    """R × C multipliers: ``result[c] = Σ_r token[r] · weight[r][c]``, one token a cycle.

    Activations move right by a column a cycle, sums move down by a row a cycle; the skew of both is inside,
    so that tokens enter and results leave as whole vectors. Every cell holds two weights, the active one and
    a shadow.
    ``swap`` comes with the first token of a tile and travels ahead of it: cell (r, c) takes its shadow in the
    cycle before that token reaches it. Rows and columns of shadows are loaded by a wavefront of the same
    slope, so the row r of the next tile may be offered from r + 1 cycles after the swap on, and until r
    cycles after its own; a tile of a single token then costs R cycles, no more. A column may be offered from
    R cycles after a swap on, and until its own.

    Every cell takes its weight from one lane of what is loaded, whether it comes in a row or in a column:
    lane (r + c) modulo min(R, C), in the cell's own block of so many lanes. Whoever loads turns the lanes for
    it (``WeightLoad``), once for all cells.

    Ports:
        token: R lanes of −128..255.
        swap: this token is the first of the tile in the shadows.
        weights: a row or a column of the shadows, as the tile's wavefront passes.
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
                "weights": In(WeightLoad(rows, cols)),
                "result": Out(data.ArrayLayout(sum_shape(rows), cols)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows, cols = self.rows, self.cols
        load, turn = self.weights, min(rows, cols)
        waves = self._waves(m)
        row_mask = [delay(m, load.mask[c], c, name=f"row_mask_{c}") for c in range(cols)]
        column_enable = [
            delay(m, load.column & (load.index == c), c, name=f"column_enable_{c}", reset_less=False)
            for c in range(cols)
        ]
        above: list[Any] = [None] * cols
        for r in range(rows):
            lane = delay(m, self.token[r], r + 1, name=f"lane_{r}")
            swap = delay(m, self.swap, r, name=f"lane_swap_{r}", reset_less=False)
            enable = load.row & (load.index == r)
            for c in range(cols):
                active = Signal(signed(8), name=f"active_{r}_{c}", reset_less=True)
                shadow = Signal(signed(8), name=f"shadow_{r}_{c}", reset_less=True)
                product = Signal(signed(16), name=f"product_{r}_{c}", reset_less=True)
                total = Signal(sum_shape(r + 1), name=f"sum_{r}_{c}", reset_less=True)
                lane = delay(m, lane, 1, name=f"token_{r}_{c}")
                swap = delay(m, swap, 1, name=f"swap_{r}_{c}", reset_less=False)
                with m.If(column_enable[c] | (enable & row_mask[c])):
                    m.d.sync += shadow.eq(waves[c][max(r, c) // turn * turn + (r + c) % turn])
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

    def _waves(self, m: Module) -> list[list[Value]]:
        """For each column, the lanes of ``weights`` as they come by it: so many cycles later."""
        lanes: list[Value] = [Value.cast(lane) for lane in self.weights.data]
        waves = [lanes]
        for c in range(1, self.cols):
            lanes = [delay(m, lane, 1, name=f"wave_{c}_{index}") for index, lane in enumerate(lanes)]
            waves.append(lanes)
        return waves
