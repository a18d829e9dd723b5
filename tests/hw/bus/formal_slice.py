"""Harnesses of the register slices: payloads come out as they went in, in order, and wait until taken."""

from amaranth.hdl import Assert, Elaboratable, Module, Mux

from pointwise.hw.bus.slice import PingPong, RegisterSlice
from pointwise.sim.formal.properties import free_inputs, in_order, inside, stable


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


class PingPongProof(Elaboratable):
    """What PingPong shows outside is what RegisterSlice does, of which the order is proved."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit, model = PingPong(4), RegisterSlice(4)
        free_inputs(m, unit)
        state, expected = inside(m, unit), inside(m, model, "model")
        m.d.comb += [
            model.source.payload.eq(unit.source.payload),
            model.source.valid.eq(unit.source.valid),
            model.sink.ready.eq(unit.sink.ready),
            Assert(unit.source.ready == model.source.ready),
            Assert(unit.sink.valid == model.sink.valid),
        ]
        with m.If(unit.sink.valid):
            m.d.comb += Assert(unit.sink.payload == model.sink.payload)
        # What makes it inductive.
        behind = Mux(state["out_of"], state["held0"], state["held1"])
        m.d.comb += Assert((state["into"] ^ state["out_of"]) == (unit.sink.valid & ~state["both"]))
        with m.If(state["both"]):
            m.d.comb += [Assert(unit.sink.valid), Assert(behind == expected["spare"])]
        return m
