"""Reciprocal and reciprocal square root: leading one, table, one small multiplication, all pipelined."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.tables import DELTA_BITS, RSQRT_SEGMENTS, VALUE_BITS, reciprocal_table, rsqrt_table
from pointwise.hw.contract.timing import INTERPOLATE

from .primitives import ceil_log2, delay, round_half_up, tree

MANTISSA_BITS = 16
DROP_BITS = 10


def _place_of_one(low: Value, high: Value) -> Value:
    """Place of the leading one in two halves of a number; above it, whether there is one."""
    some = high[-1]
    below = [Mux(some, high[:-1], low[:-1])] if len(high) > 1 else []
    return Cat(*below, some, low[-1] | some)


class PiecewiseLinearReciprocal(wiring.Component):
    """``model.integer.interpolation.reciprocal`` or ``reciprocal_sqrt`` of an unsigned number of ``width``
    bits.

    Ports:
        value: at least 1 (0 is taken as 1).
        mult: uint16.
        leading: position of the leading one, halved (rounded down) for the square root.

    Latency: 9 cycles. Throughput: one result a cycle.
    """

    LATENCY = INTERPOLATE

    def __init__(self, width: int, *, square_root: bool) -> None:
        self.width, self.square_root = width, square_root
        self.table = rsqrt_table() if square_root else reciprocal_table()
        super().__init__(
            {
                "value": In(unsigned(width)),
                "mult": Out(unsigned(MANTISSA_BITS)),
                "leading": Out(unsigned(ceil_log2(width))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        index_bits = ceil_log2(len(self.table)) - int(self.square_root)
        fraction_bits = index_bits + DELTA_BITS
        # Stages 1 and 2: where the leading one is. Stages 3 and 4: shift it out of the left end, the large
        # steps first. (Of 0 and 1 nothing is left.)
        place_bits = ceil_log2(self.width)
        padding = Const(0, (1 << place_bits) - self.width)
        place2, cycles = tree(m, [*self.value, *padding], _place_of_one, name="place", every=3)
        assert cycles == 2, "bits of a value give their place in two stages"
        leading, leading2 = place2[:-1], place2[:-1]
        shifted = Cat(Const(0, fraction_bits), delay(m, self.value, 2, name="value"), padding)
        for step in reversed(range(place_bits)):
            if step == 2:
                leading, shifted = delay(m, leading, 1, name="place3"), delay(m, shifted, 1, name="shifted3")
            # The steps after this one reach no deeper than that.
            shifted = Mux(leading[step], shifted, shifted << (1 << step))[: len(shifted)]
            shifted = shifted[len(shifted) - fraction_bits - (1 << step) :]
        fraction = delay(m, shifted[:fraction_bits], 1, name="fraction4")
        leading4 = delay(m, leading2, 2, name="leading")
        # Stages 5 and 6: the segment's value and drop, and a register, as memory takes half of a cycle.
        index = fraction[DELTA_BITS:]
        if self.square_root:
            index = Cat(index, leading4[0])
            assert len(self.table) == 2 * RSQRT_SEGMENTS
        rom_width = VALUE_BITS + DROP_BITS
        m.submodules.rom = rom = Memory(
            shape=unsigned(rom_width),
            depth=len(self.table),
            init=[v | d << VALUE_BITS for v, d in self.table],
        )
        port = rom.read_port()
        m.d.comb += port.addr.eq(index)
        segment6 = delay(m, port.data, 1, name="segment6")
        offset6 = delay(m, fraction[:DELTA_BITS], 2, name="offset")
        # Stage 7: the product. Stage 8: the chord. Stage 9: to 16 bits.
        product = Signal(DROP_BITS + DELTA_BITS, reset_less=True)
        m.d.sync += product.eq(segment6[VALUE_BITS:] * offset6)
        value7 = delay(m, segment6[:VALUE_BITS], 1, name="value7")
        chord = Signal(signed(VALUE_BITS + 2), reset_less=True)
        m.d.sync += chord.eq(value7 - round_half_up(product >> (DELTA_BITS - 1)))
        rounded = (chord + 1) >> (VALUE_BITS - MANTISSA_BITS)
        top = (1 << MANTISSA_BITS) - 1
        mult = Signal(MANTISSA_BITS, reset_less=True)
        m.d.sync += mult.eq(Mux(rounded[MANTISSA_BITS], top, rounded))
        leading9 = delay(m, leading4, 5, name="leading4")
        m.d.comb += [self.mult.eq(mult), self.leading.eq(leading9 >> 1 if self.square_root else leading9)]
        return m
