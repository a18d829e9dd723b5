"""From the loader to the array and to the prologue, each with the delay that its distance to the tokens asks
for."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring

from pointwise.hw.contract.timing import READ_LATENCY

from .primitives import delay
from .stationary_walk import PACKED_BITS, StationaryWalk

SHIFT_STAGE = READ_LATENCY + 1
"""Cycles by which channel shifts are held back: the last tokens of the tile before last still use their
set."""


def distribute_shifts(m: Module, loader: wiring.Component, load: Value, walk: StationaryWalk) -> None:
    """A row of the channel shifts, into the set of the tile's parity, SHIFT_STAGE cycles later."""
    rows, cols = loader.config.rows, loader.config.cols
    load = delay(m, load, SHIFT_STAGE, name="shift_load", reset_less=False)
    index = delay(m, walk.index, SHIFT_STAGE, name="shift_index")
    parity = delay(m, walk.parity, SHIFT_STAGE, name="shift_parity")
    row = delay(m, loader.rows.payload, SHIFT_STAGE, name="shift_row")
    shifts = Signal.like(loader.shifts, name="shifts_kept")
    m.d.comb += loader.shifts.eq(shifts)
    for which in range(2):
        for lane in range(rows):
            with m.If(load & (parity == which) & (index == lane // cols)):
                m.d.sync += shifts[which][lane].eq(row.word_select(lane % cols, 8))


def unpack(m: Module, row: Value, packing: Value, walk: StationaryWalk) -> Value:
    """Weights of the array row at hand out of a row of the stream, sign-extended to bytes."""
    index, rows, cols = walk.index, walk.rows, walk.cols
    place = index[:PACKED_BITS]
    unpacked = Signal(len(row), name="unpacked")
    for first in range(0, len(row), 8):
        byte, weight = row[first : first + 8], unpacked[first : first + 8]
        with m.Switch(packing):
            with m.Case(1):
                m.d.comb += weight.eq(byte.word_select(place[0], 4).as_signed())
            with m.Case(2):
                m.d.comb += weight.eq(byte.word_select(place, 2).as_signed())
            with m.Default():
                lane = first // 8 % rows if cols >= rows else walk.sub * cols + first // 8
                m.d.comb += weight.eq(Mux(walk.diagonal & (index != lane), 0, byte))
    return unpacked


def distribute_tiles(
    m: Module,
    loader: wiring.Component,
    weights: Value,
    row_load: Value,
    key_load: Value,
    value_load: Value,
    walk: StationaryWalk,
) -> None:
    """Stage 0: a row is taken, or a word is asked for, which was decided a cycle before. Stage READ_LATENCY:
    the word is there. Stage ``latency``: the array."""
    rows, cols = loader.config.rows, loader.config.cols
    width = 8 * max(rows, cols)
    key_load = delay(m, key_load, 1, name="key_load", reset_less=False)
    value_load = delay(m, value_load, 1, name="value_load", reset_less=False)
    part, sub = delay(m, walk.part, 1, name="asked_part"), delay(m, walk.sub, 1, name="asked_sub")
    index = Mux(row_load, walk.index, delay(m, walk.index, 1, name="asked_index"))
    streamed2 = delay(m, weights, READ_LATENCY, name="streamed")
    from_stream2 = delay(m, row_load, READ_LATENCY, name="from_stream", reset_less=False)
    is_key2 = delay(m, key_load, READ_LATENCY, name="is_key", reset_less=False)
    word = loader.read.data
    if cols >= rows:
        value = word.replicate(cols // rows)
        mask = Cat((part == c // rows) for c in range(cols))
    else:
        value = word.word_select(delay(m, sub, READ_LATENCY, name="sub"), 8 * cols)
        mask = Const(-1, cols)
    data2 = Signal(width)
    m.d.comb += data2.eq(Mux(from_stream2, streamed2, Mux(is_key2, word, value)))
    data_end = delay(m, data2, loader.latency - READ_LATENCY, name="data")
    index_end = delay(m, index, loader.latency, name="index")
    m.d.comb += [
        loader.row.load.eq(
            delay(m, row_load | value_load, loader.latency, name="row_load", reset_less=False)
        ),
        loader.row.index.eq(index_end),
        loader.row.mask.eq(delay(m, Mux(row_load, Const(-1, cols), mask), loader.latency, name="row_mask")),
        loader.row.data.as_value().eq(data_end),
        loader.column.load.eq(delay(m, key_load, loader.latency, name="column_load", reset_less=False)),
        loader.column.index.eq(index_end),
        loader.column.data.as_value().eq(data_end),
    ]
