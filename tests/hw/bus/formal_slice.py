"""Harness of RegisterSlice: payloads come out as they went in, in order, and stay until they are taken."""

from amaranth.hdl import Assert, Elaboratable, Module

from hw.bus.slice import RegisterSlice
from sim.formal.properties import free_inputs, in_order, inside, stable


class SliceProof(Elaboratable):
    """Any payloads, any pauses on both sides."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = RegisterSlice(4)
        free_inputs(m, unit)
        state = inside(m, unit)
        source, sink = unit.source, unit.sink
        stable(m, sink.valid, sink.ready, sink.payload, name="sink")
        ghost = in_order(
            m,
            source.valid & source.ready,
            [source.payload],
            sink.valid & sink.ready,
            [sink.payload],
            capacity=2,
            name="payload",
        )
        # What makes it inductive.
        full, spare = state["full"], state["spare"]
        m.d.comb += [Assert(ghost["inside"] == sink.valid + full), Assert(sink.valid | ~full)]
        with m.If(ghost["watching"] & (ghost["ahead"] == 0)):
            m.d.comb += Assert(sink.payload == ghost["watched"])
        with m.If(ghost["watching"] & (ghost["ahead"] == 1)):
            m.d.comb += Assert(spare == ghost["watched"])
        return m
