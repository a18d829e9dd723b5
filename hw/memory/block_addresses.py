"""Addresses of a strided block of on-chip memory, one word a cycle."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.walks import ADDRESS_BITS

COUNT_BITS = 16

PLACE = data.StructLayout({"address": unsigned(ADDRESS_BITS), "row_end": unsigned(1), "end": unsigned(1)})
"""A word of a block: its address, and whether it ends its row and the block."""


class BlockAddressGenerator(wiring.Component):
    """Walks over ``rows`` × ``words`` words, row by row; word w of row r lies at ``base`` + r·``stride`` + w.

    Args:
        last: of the words that a sweep goes over.

    Ports:
        sweep: walk over the words 0..``last`` instead, as the only thing after a reset.
        start: take over the next four; only while idle.
        base: address of the first word.
        stride: from row to row.
        rows: 1..65535.
        words: of a row, 1..65535.
        places: the words in order.
        busy: not all of them have been taken.

    Latency: one cycle from ``start`` to the first word. Throughput: a word a cycle, rows without a bubble.
    """

    start: In(1)
    sweep: In(1)
    base: In(ADDRESS_BITS)
    stride: In(COUNT_BITS)
    rows: In(COUNT_BITS)
    words: In(COUNT_BITS)
    places: Out(stream.Signature(PLACE))
    busy: Out(1)

    def __init__(self, last: int) -> None:
        self.last = last
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stride = Signal(COUNT_BITS)
        words = Signal(COUNT_BITS)
        row = Signal(ADDRESS_BITS)  # address of the row's first word
        address = Signal(ADDRESS_BITS)
        rows_left = Signal(COUNT_BITS)
        words_left = Signal(COUNT_BITS)
        row_end = Signal()  # compared a step ahead, like the next two
        last_row = Signal()
        one_word = Signal()
        place = self.places.p
        m.d.comb += [
            self.places.valid.eq(self.busy),
            place.address.eq(address),
            place.row_end.eq(row_end),
            place.end.eq(row_end & last_row),
        ]
        with m.If(self.busy & self.places.ready):
            m.d.sync += [
                address.eq(address + 1),
                words_left.eq(words_left - 1),
                row_end.eq(words_left == 2),
            ]
            with m.If(row_end):
                m.d.sync += [
                    row.eq(row + stride),
                    address.eq(row + stride),
                    words_left.eq(words),
                    row_end.eq(one_word),
                    rows_left.eq(rows_left - 1),
                    last_row.eq(rows_left == 2),
                ]
            with m.If(place.end):
                m.d.sync += self.busy.eq(0)
        # After a reset the address is 0, and no row ends.
        sweeping = Signal()
        with m.If(self.sweep):
            m.d.sync += [sweeping.eq(1), self.busy.eq(1)]
        with m.If(sweeping):
            m.d.sync += row_end.eq(0)
            with m.If(self.busy & self.places.ready & (address == self.last)):
                m.d.sync += self.busy.eq(0)
        with m.If(self.start):
            m.d.sync += [
                self.busy.eq(1),
                row.eq(self.base),
                address.eq(self.base),
                stride.eq(self.stride),
                rows_left.eq(self.rows),
                last_row.eq(self.rows == 1),
                row_end.eq(self.words == 1),
                one_word.eq(self.words == 1),
                words_left.eq(self.words),
                words.eq(self.words),
            ]
        return m
