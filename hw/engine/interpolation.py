"""Reciprocal and reciprocal square root: leading one, table, one small multiplication, all pipelined."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.contract.tables import DELTA_BITS, RSQRT_SEGMENTS, VALUE_BITS, reciprocal_table, rsqrt_table

from .cells import bits_for, delay, round_half_up

MANTISSA_BITS = 16
DROP_BITS = 10


class Interpolation(wiring.Component):
    """``model.integer.interpolation.reciprocal`` or ``reciprocal_sqrt`` of an unsigned number of ``width``
    bits.

    Ports:
        value: at least 1 (0 is taken as 1).
        mult: uint16. leading: position of the leading one, halved (rounded down) for the square root.

    Latency: 6 cycles. Throughput: one result a cycle.
    """

    LATENCY = 6

    def __init__(self, width: int, *, square_root: bool) -> None:
        self.width, self.square_root = width, square_root
        self.table = rsqrt_table() if square_root else reciprocal_table()
        super().__init__(
            {
                "value": In(unsigned(width)),
                "mult": Out(unsigned(MANTISSA_BITS)),
                "leading": Out(unsigned(bits_for(width))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        index_bits = bits_for(len(self.table)) - int(self.square_root)
        fraction_bits = index_bits + DELTA_BITS
        # Stage 1: where the leading one is. Stage 2: shift it out of the left end. (Of 0 and 1 nothing is
        # left.)
        leading = Signal(range(self.width))
        value1 = Signal(self.width, reset_less=True)
        m.d.sync += [leading.eq(0), value1.eq(self.value)]
        for position in range(1, self.width):
            with m.If(self.value[position]):
                m.d.sync += leading.eq(position)
        widened = Signal(self.width + fraction_bits)
        fraction = Signal(fraction_bits, reset_less=True)
        to_the_top = (self.width - 1 - leading)[: bits_for(self.width)]
        m.d.comb += widened.eq((value1 << to_the_top)[: self.width - 1] << fraction_bits)
        m.d.sync += fraction.eq(widened >> (self.width - 1))
        leading2 = delay(m, leading, 1, name="leading2")
        # Stage 3: the segment's value and drop.
        index = fraction[DELTA_BITS:]
        if self.square_root:
            index = Cat(index, leading2[0])
            assert len(self.table) == 2 * RSQRT_SEGMENTS
        rom_width = VALUE_BITS + DROP_BITS
        m.submodules.rom = rom = Memory(
            shape=unsigned(rom_width),
            depth=len(self.table),
            init=[v | d << VALUE_BITS for v, d in self.table],
        )
        port = rom.read_port()
        m.d.comb += port.addr.eq(index)
        offset3 = delay(m, fraction[:DELTA_BITS], 1, name="offset3")
        # Stage 4: the product. Stage 5: the chord. Stage 6: to 16 bits.
        product = Signal(DROP_BITS + DELTA_BITS, reset_less=True)
        m.d.sync += product.eq(port.data[VALUE_BITS:] * offset3)
        value4 = delay(m, port.data[:VALUE_BITS], 1, name="value4")
        chord = Signal(signed(VALUE_BITS + 2), reset_less=True)
        m.d.sync += chord.eq(value4 - round_half_up(product >> (DELTA_BITS - 1)))
        rounded = (chord + 1) >> (VALUE_BITS - MANTISSA_BITS)
        top = (1 << MANTISSA_BITS) - 1
        mult = Signal(MANTISSA_BITS, reset_less=True)
        m.d.sync += mult.eq(Mux(rounded > top, top, rounded))
        leading6 = delay(m, leading2, 4, name="leading6")
        m.d.comb += [self.mult.eq(mult), self.leading.eq(leading6 >> 1 if self.square_root else leading6)]
        return m
