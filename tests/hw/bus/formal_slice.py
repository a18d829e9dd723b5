"""Harnesses of the register slices: payloads come out as they went in, in order, and wait until taken."""

from amaranth.hdl import Assert, Elaboratable, Module, Mux

from pointwise.hw.bus.slice import ElasticBuffer, RegisterSlice
from pointwise.sim.formal.properties import free_inputs, in_order, inside, stable


class SliceProof(Elaboratable):
    """Any payloads, any pauses on both sides."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = RegisterSlice(4)
        free_inputs(m, unit)
        state = inside(m, unit)
        i, o = unit.i, unit.o
        stable(m, o.valid, o.ready, o.payload, name="o")
        ghost = in_order(
            m,
            i.valid & i.ready,
            [i.payload],
            o.valid & o.ready,
            [o.payload],
            capacity=2,
            name="payload",
        )
        # What makes it inductive.
        full, spare = state["full"], state["spare"]
        m.d.comb += [Assert(ghost["inside"] == o.valid + full), Assert(o.valid | ~full)]
        with m.If(ghost["watching"] & (ghost["ahead"] == 0)):
            m.d.comb += Assert(o.payload == ghost["watched"])
        with m.If(ghost["watching"] & (ghost["ahead"] == 1)):
            m.d.comb += Assert(spare == ghost["watched"])
        return m


class ElasticBufferProof(Elaboratable):
    """What ElasticBuffer shows outside is what RegisterSlice does, of which the order is proved."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit, model = ElasticBuffer(4), RegisterSlice(4)
        free_inputs(m, unit)
        state, expected = inside(m, unit), inside(m, model, "model")
        m.d.comb += [
            model.i.payload.eq(unit.i.payload),
            model.i.valid.eq(unit.i.valid),
            model.o.ready.eq(unit.o.ready),
            Assert(unit.i.ready == model.i.ready),
            Assert(unit.o.valid == model.o.valid),
        ]
        with m.If(unit.o.valid):
            m.d.comb += Assert(unit.o.payload == model.o.payload)
        # What makes it inductive.
        behind = Mux(state["out_of"], state["held0"], state["held1"])
        m.d.comb += Assert((state["into"] ^ state["out_of"]) == (unit.o.valid & ~state["both"]))
        with m.If(state["both"]):
            m.d.comb += [Assert(unit.o.valid), Assert(behind == expected["spare"])]
        return m
