"""A FIFO of wide words in block RAM."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .cells import bits_for
from .ram import Ram


class RamFifo(wiring.Component):
    """``depth`` words of ``width`` bits: ``depth`` − 2 in a ``Ram``, one at its output and one in a register.

    Like Amaranth's ``SyncFIFOBuffered``, in the memory cell of this core: a word is read at the earliest in
    the cycle after it was written, so that nothing need be told of a collision. The register is there because
    a memory takes the better half of a cycle to answer.

    Ports:
        w_data, w_en: a word goes in; only while w_rdy. r_data: the oldest word, while r_rdy. r_en: take it.

    Latency: 3 cycles. Throughput: a word a cycle.
    """

    def __init__(self, *, width: int, depth: int) -> None:
        self.width, self.depth = width, depth
        super().__init__(
            {
                "w_data": In(unsigned(width)),
                "w_en": In(1),
                "w_rdy": Out(1),
                "r_data": Out(unsigned(width)),
                "r_en": In(1),
                "r_rdy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = self.depth - 2
        m.submodules.ram = ram = Ram(words, 1, self.width)
        # Words in the memory and the one fetched in the cycle before; whether there are any without it.
        level = Signal(range(max(words, 2) + 1))
        taken = Signal()
        filled = Signal()
        produce = Signal(bits_for(words))
        consume = Signal(bits_for(words))
        held = Signal(self.width, reset_less=True)
        write = Signal()
        fetch = Signal()
        fetched = Signal()
        moves_on = Signal()
        # One word, or two, beside what was taken.
        any_left = Signal()
        more_left = Signal()
        m.d.comb += [
            self.w_rdy.eq((level != words) | taken),
            write.eq(self.w_en & self.w_rdy),
            moves_on.eq(~self.r_rdy | self.r_en),
            fetch.eq(filled & (~fetched | moves_on)),
            ram.write_enable.eq(write),
            ram.write_address.eq(produce),
            ram.write_data.eq(self.w_data),
            ram.read_enable.eq(fetch),
            ram.read_address.eq(consume),
            self.r_data.eq(held),
        ]
        for pointer, moves in ((produce, write), (consume, fetch)):
            with m.If(moves):
                m.d.sync += pointer.eq(Mux(pointer == words - 1, 0, pointer + 1))
        # The taker is far away: what it decides moves a pointer and one bit, and is counted a cycle later.
        m.d.comb += [
            any_left.eq((level[1:] != 0) | (level[0] & ~taken)),
            more_left.eq((level[2:] != 0) | (level[1] & (level[0] | ~taken))),
        ]
        m.d.sync += [
            taken.eq(fetch),
            level.eq(level + write - taken),
            filled.eq(write | more_left | (any_left & ~fetch)),
        ]
        with m.If(fetch):
            m.d.sync += fetched.eq(1)
        with m.Elif(moves_on):
            m.d.sync += fetched.eq(0)
        with m.If(moves_on):
            m.d.sync += [self.r_rdy.eq(fetched), held.eq(ram.read_data)]
        return m
