"""Harness of RamFifo: no word is lost, repeated or overtaken, and its flags are what is inside."""

from amaranth.hdl import Assert, Assume, Cover, Elaboratable, Module, Signal

from pointwise.hw.engine.fifo import RamFifo
from pointwise.sim.formal.properties import free_inputs, in_order, inside


class RamFifoProof(Elaboratable):
    """Any words, written at any time that it is ready, taken at any time that there is one.

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
        m.d.comb += [Assume(~unit.o.ready | unit.o.valid), Cover(~unit.i.ready & unit.o.valid)]
        put = unit.i.valid & unit.i.ready
        if self.follow:
            into, out = [unit.i.payload], [unit.o.payload]
            in_order(m, put, into, unit.o.ready, out, capacity=self.depth, name="word")
            return m

        held = Signal(range(self.depth + 1))
        m.d.sync += held.eq(held + put - unit.o.ready)
        apart = state["produce"] - state["consume"]
        both, turns = state["output.both"], state["output.into"] ^ state["output.out_of"]
        m.d.comb += [
            Assert(held == state["level"] + state["fetched"] + unit.o.valid + both),
            Assert(state["level"] <= words),
            Assert(unit.i.ready == (state["level"] != words)),
            Assert(state["filled"] == (state["level"] != 0)),
            Assert(turns == (unit.o.valid & ~both)),
            Assert(unit.o.valid | ~both),
            Assert((state["produce"] < words) & (state["consume"] < words)),
            Assert((apart == state["level"]) | (apart + words == state["level"])),
        ]
        return m
