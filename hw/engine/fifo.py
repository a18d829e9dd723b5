"""A FIFO of wide words in block RAM."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from pointwise.hw.bus.slice import ElasticBuffer

from .primitives import ceil_log2
from .ram import Ram


class RamFifo(wiring.Component):
    """``depth`` words of ``width`` bits: ``depth`` − 3 in a ``Ram``, one at its output and two in registers.

    Like Amaranth's ``SyncFIFOBuffered``, in the memory cell of this core: a word is read at the earliest in
    the cycle after it was written, so that nothing need be told of a collision. There are registers because
    a memory takes the better half of a cycle to answer, and two of them so that whether the memory is read
    does not depend on whether a word is taken: the taker may be far from the memory.

    Ports:
        i: words go in.
        o: the oldest word.

    Latency: 3 cycles. Throughput: a word a cycle.
    """

    REGISTERS = 3
    """Words that are not in the memory, which hold what it does not."""

    def __init__(self, *, width: int, depth: int) -> None:
        self.width, self.depth = width, depth
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(width))),
                "o": Out(stream.Signature(unsigned(width))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = self.depth - self.REGISTERS
        m.submodules.ram = ram = Ram(words, 1, self.width)
        m.submodules.output = output = ElasticBuffer(self.width)
        level = Signal(range(words + 1))  # of the memory
        filled = Signal()  # there is a word in the memory
        produce = Signal(ceil_log2(words))
        consume = Signal(ceil_log2(words))
        fetched = Signal()  # there is a word at the memory's output
        write = Signal()
        fetch = Signal()
        m.d.comb += [
            self.i.ready.eq(level != words),
            write.eq(self.i.valid & self.i.ready),
            fetch.eq(filled & (~fetched | output.i.ready)),
            ram.write_enable.eq(write),
            ram.write_address.eq(produce),
            ram.write_data.eq(self.i.payload),
            ram.read_enable.eq(fetch),
            ram.read_address.eq(consume),
            output.i.payload.eq(ram.read_data),
            output.i.valid.eq(fetched),
        ]
        connect(m, output.o, flipped(self.o))
        for pointer, moves in ((produce, write), (consume, fetch)):
            with m.If(moves):
                m.d.sync += pointer.eq(Mux(pointer == words - 1, 0, pointer + 1))
        m.d.sync += [
            level.eq(level + write - fetch),
            filled.eq(write | (level > 1) | (filled & ~fetch)),
            fetched.eq(fetch | (fetched & ~output.i.ready)),
        ]
        return m
