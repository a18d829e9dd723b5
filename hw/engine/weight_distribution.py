"""From the loader to the array and to the prologue, each with the delay that its distance to the tokens asks
for."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring

from pointwise.hw.contract.stream import SHIFT_BITS
from pointwise.hw.contract.timing import READ_LATENCY

from .primitives import delay
from .stationary_address import PACKED_BITS, StationaryAddressGenerator

SHIFT_STAGE = READ_LATENCY + 1
"""Cycles by which channel shifts are held back: the last tokens of the tile before last still use their
set."""


def distribute_shifts(
    m: Module, loader: wiring.Component, load: Value, use: Value, walk: StationaryAddressGenerator
) -> None:
    """Channel shifts: rows of them wait in a register (``load``) until the tile before has started (``use``),
    and are in the set of their tile's parity SHIFT_STAGE cycles later."""
    rows, cols = loader.config.rows, loader.config.cols
    waiting = Signal(data.ArrayLayout(unsigned(SHIFT_BITS), rows), name="shifts_waiting", reset_less=True)
    for lane in range(rows):
        with m.If(load & (walk.index == lane // cols)):
            m.d.sync += waiting[lane].eq(loader.rows.payload.word_select(lane % cols, 8))
    use = delay(m, use, SHIFT_STAGE, name="shifts_use", reset_less=False)
    parity = delay(m, walk.parity, SHIFT_STAGE, name="shift_parity")
    wanted = delay(m, waiting.as_value(), SHIFT_STAGE, name="shifts_wanted")
    shifts = Signal.like(loader.shifts, name="shifts_kept")
    m.d.comb += loader.shifts.eq(shifts)
    for which in range(2):
        with m.If(use & (parity == which)):
            m.d.sync += shifts[which].as_value().eq(wanted)


UNPACK = 1
"""Latency of ``unpack``."""


def unpack(m: Module, row: Value, packing: Value, walk: StationaryAddressGenerator) -> Value:
    """Weights of the array row at hand out of a row of the stream, sign-extended to bytes, UNPACK cycles
    later: the half of a byte first, then the pair of bits in it."""
    rows, cols = walk.rows, walk.cols
    place = Cat(walk.index, Const(0, 1))[:PACKED_BITS]
    halves, pairs = packing == 1, packing == 2
    upper = (halves & place[0]) | (pairs & place[1])
    packed1 = delay(m, halves | pairs, UNPACK, name="packed")
    pairs1 = delay(m, pairs, UNPACK, name="pairs")
    upper_pair1 = delay(m, pairs & place[0], UNPACK, name="upper_pair")
    weights = []
    for first in range(0, len(row), 8):
        lane = first // 8 % rows if cols >= rows else walk.sub * cols + first // 8
        other = walk.diagonal & (walk.index != lane) & ~(halves | pairs)
        byte = row[first : first + 8]
        half1 = delay(m, Mux(upper, byte[4:], byte[:4]), UNPACK, name=f"half_{first // 8}")
        rest1 = delay(m, byte[4:], UNPACK, name=f"rest_{first // 8}")
        pair1 = Mux(upper_pair1, half1[2:], half1[:2])
        low = Cat(pair1, Mux(pairs1, pair1[1].replicate(2), half1[2:]))
        weight = Cat(low, Mux(packed1, low[3].replicate(4), rest1))
        weights.append(Mux(delay(m, other, UNPACK, name=f"other_{first // 8}"), 0, weight)[:8])
    return Cat(weights)


def distribute_tiles(
    m: Module,
    loader: wiring.Component,
    weights: Value,
    row_load: Value,
    key_load: Value,
    value_load: Value,
    walk: StationaryAddressGenerator,
) -> None:
    """Stage 0: a row is taken, or a word is asked for, which was decided a cycle before. Stage READ_LATENCY:
    the word is there. Stage ``latency``: the array, with lanes turned on the way. ``weights`` are those of
    stage UNPACK."""
    rows, cols = loader.config.rows, loader.config.cols
    key_load = delay(m, key_load, 1, name="key_load", reset_less=False)
    value_load = delay(m, value_load, 1, name="value_load", reset_less=False)
    part, sub = delay(m, walk.part, 1, name="asked_part"), delay(m, walk.sub, 1, name="asked_sub")
    index = Mux(row_load, walk.index, delay(m, walk.index, 1, name="asked_index"))
    streamed2 = delay(m, weights, READ_LATENCY - UNPACK, name="streamed")
    from_stream2 = delay(m, row_load, READ_LATENCY, name="from_stream", reset_less=False)
    word = loader.read.data
    if cols >= rows:
        word = word.replicate(cols // rows)
        mask = Cat((part == c // rows) for c in range(cols))
    else:
        is_key2 = delay(m, key_load, READ_LATENCY, name="is_key", reset_less=False)
        value = word.word_select(delay(m, sub, READ_LATENCY, name="sub"), 8 * cols)
        word = Mux(is_key2, word, value.replicate(rows // cols))
        streamed2 = streamed2.replicate(rows // cols)
        mask = Const(-1, cols)
    index2 = delay(m, index, READ_LATENCY, name="index")
    cycles = loader.latency - READ_LATENCY
    load = loader.weights
    m.d.comb += [
        load.row.eq(delay(m, row_load | value_load, loader.latency, name="row_load", reset_less=False)),
        load.column.eq(delay(m, key_load, loader.latency, name="column_load", reset_less=False)),
        load.index.eq(delay(m, index2, cycles, name="index_end")),
        load.mask.eq(delay(m, Mux(row_load, Const(-1, cols), mask), loader.latency, name="row_mask")),
        load.data.as_value().eq(
            turn(m, Mux(from_stream2, streamed2, word), index2 % min(rows, cols), min(rows, cols), cycles)
        ),
    ]


def turn(m: Module, value: Value, amount: Value, lanes: int, cycles: int) -> Value:
    """Blocks of so many bytes, each turned upwards by ``amount`` bytes, ``cycles`` later.

    The steps of the turn are spread over the cycles.
    """
    steps = (lanes - 1).bit_length()
    done = 0
    for cycle in range(max(cycles, 1)):
        while done < steps * (cycle + 1) // max(cycles, 1):
            turned = []
            for start in range(0, len(value), 8 * lanes):
                block = value[start : start + 8 * lanes]
                turned.append(block.rotate_left(8 * ((1 << done) % lanes)))
            value = Mux(amount[done], Cat(turned), value)
            done += 1
        if cycles:
            value = delay(m, value, 1, name=f"turned_{cycle}")
            amount = delay(m, amount, 1, name=f"turn_{cycle}")
    return value
