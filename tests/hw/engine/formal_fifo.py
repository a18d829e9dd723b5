"""Harness of RamFifo: no word is lost, repeated or overtaken, and its flags are what is inside."""

from amaranth.hdl import Assert, Cover, Elaboratable, Module, Signal

from pointwise.hw.engine.fifo import RamFifo
from pointwise.sim.formal.properties import free_inputs, in_order, inside


class RamFifoProof(Elaboratable):
    """Any words, written at any time that it is ready, taken at any time, as said a cycle before.

    Args:
        follow: whether to follow the words through the memory, which is not by induction: its contents are
            out of an assertion's reach.
    """

    def __init__(self, depth: int, *, follow: bool, width: int = 2) -> None:
        self.depth, self.follow, self.width = depth, follow, width

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = RamFifo(width=self.width, depth=self.depth)
        free_inputs(m, unit)
        state = inside(m, unit)
        words = self.depth - unit.REGISTERS
        ready, taken = Signal(), Signal()
        m.d.sync += ready.eq(unit.o.ready_next)
        m.d.comb += [taken.eq(unit.o.valid & ready), Cover(~unit.i.ready & unit.o.valid)]
        put = unit.i.valid & unit.i.ready
        if self.follow:
            into, out = [unit.i.payload], [unit.o.payload]
            in_order(m, put, into, taken, out, capacity=self.depth, name="word")
            return m

        held = Signal(range(self.depth + 1))
        m.d.sync += held.eq(held + put - taken)
        apart = state["produce"] - state["consume"]
        m.d.comb += [
            Assert(held == state["level"] + state["fetched"] + unit.o.valid),
            # That it can take a word is a flip-flop, and says what a gate would.
            Assert(state["free"] == (~unit.o.valid | ready)),
            Assert(state["level"] <= words),
            Assert(unit.i.ready == (state["level"] != words)),
            Assert(state["filled"] == (state["level"] != 0)),
            Assert((state["produce"] < words) & (state["consume"] < words)),
            Assert((apart == state["level"]) | (apart + words == state["level"])),
        ]
        return m
