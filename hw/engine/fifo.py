"""A FIFO of wide words in block RAM."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .primitives import ceil_log2
from .ram import Ram


def early_stream(shape: ShapeLike) -> wiring.Signature:
    """A stream whose taker says a cycle ahead what its READY will be, seen from where it comes from.

    ``payload`` is taken in a cycle with ``valid`` in which ``ready_next`` was high in the cycle before; that
    may be high without a payload, which is then taken if there is one.
    """
    return wiring.Signature({"payload": Out(shape), "valid": Out(1), "ready_next": In(1)})


class RamFifo(wiring.Component):
    """``depth`` words of ``width`` bits: ``depth`` − 2 in a ``Ram``, one at its output and one in a register.

    Like Amaranth's ``SyncFIFOBuffered``, in the memory cell of this core: a word is read at the earliest in
    the cycle after it was written, so that nothing need be told of a collision. There is a register because
    a memory takes the better half of a cycle to answer. The taker may be far from it, so that it says a cycle
    ahead whether it takes: the enable of register and memory is a flip-flop beside them, without a second
    register and a multiplexer between the two.

    Ports:
        i: words go in.
        o: the oldest word.

    Latency: 3 cycles. Throughput: a word a cycle.
    """

    REGISTERS = 2
    """Words that are not in the memory, which hold what it does not."""

    def __init__(self, *, width: int, depth: int) -> None:
        self.width, self.depth = width, depth
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(width))),
                "o": Out(early_stream(unsigned(width))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = self.depth - self.REGISTERS
        m.submodules.ram = ram = Ram(words, 1, self.width)
        level = Signal(range(words + 1))  # of the memory
        filled = Signal()  # there is a word in the memory
        produce = Signal(ceil_log2(words))
        consume = Signal(ceil_log2(words))
        fetched = Signal()  # there is a word at the memory's output
        free = Signal(init=1)  # the register can take it
        full = Signal()  # there is a word in the register in the next cycle
        write = Signal()
        fetch = Signal()
        m.d.comb += [
            self.i.ready.eq(level != words),
            write.eq(self.i.valid & self.i.ready),
            fetch.eq(filled & (~fetched | free)),
            full.eq(Mux(free, fetched, self.o.valid)),
            ram.write_enable.eq(write),
            ram.write_address.eq(produce),
            ram.write_data.eq(self.i.payload),
            ram.read_enable.eq(fetch),
            ram.read_address.eq(consume),
        ]
        with m.If(free):
            m.d.sync += self.o.payload.eq(ram.read_data)
        for pointer, moves in ((produce, write), (consume, fetch)):
            with m.If(moves):
                m.d.sync += pointer.eq(Mux(pointer == words - 1, 0, pointer + 1))
        m.d.sync += [
            level.eq(level + write - fetch),
            filled.eq(write | (level > 1) | (filled & ~fetch)),
            fetched.eq(fetch | (fetched & ~free)),
            self.o.valid.eq(full),
            free.eq(~full | self.o.ready_next),
        ]
        return m
