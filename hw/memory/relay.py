"""A stage of a stream that cuts its paths in both directions."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class Relay(wiring.Component):
    """Two places for words under way: ``ready`` is a register, like ``valid``, and is not seen through.

    The ready of the memories comes late in a cycle, as their arbiters look at the requests of the same cycle.

    Ports:
        i, o: the words, in order.

    Latency: 1 cycle. Throughput: a word a cycle.
    """

    def __init__(self, shape: ShapeLike) -> None:
        self.shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        front = Signal(self.shape, reset_less=True)
        behind = Signal(self.shape, reset_less=True)
        waits = Signal()  # a word is behind the one on offer
        m.d.comb += [self.i.ready.eq(~waits), self.o.payload.eq(front)]
        with m.If(~waits):
            m.d.sync += behind.eq(self.i.payload)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                front.eq(Mux(waits, behind, self.i.payload)),
                self.o.valid.eq(waits | self.i.valid),
                waits.eq(0),
            ]
        with m.Elif(self.i.valid):
            m.d.sync += waits.eq(1)
        return m
