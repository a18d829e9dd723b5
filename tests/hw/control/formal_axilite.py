"""Harness of AxiLiteSlave: one answer to each request, offered until it is taken; one write for each pair."""

from amaranth.hdl import Assert, Cat, Cover, Elaboratable, Module, Signal

from pointwise.hw.control.axilite import AxiLiteSlave
from pointwise.sim.formal.properties import free_inputs, in_order, inside, stable


class AxiLiteProof(Elaboratable):
    """Any requests, in any order of address and data, any answers of the registers behind."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = AxiLiteSlave()
        free_inputs(m, unit)
        inside(m, unit)
        axi = unit.axi
        stable(m, axi.bvalid, axi.bready, axi.bresp, name="b")
        stable(m, axi.rvalid, axi.rready, Cat(axi.rdata, axi.rresp), name="r")

        addressed, given = axi.awvalid & axi.awready, axi.wvalid & axi.wready
        to_word = in_order(
            m, addressed, [axi.awaddr[2:]], unit.write, [unit.write_word], capacity=1, name="address"
        )
        to_data = in_order(
            m,
            given,
            [Cat(axi.wdata, axi.wstrb)],
            unit.write,
            [Cat(unit.write_data, unit.write_mask)],
            capacity=1,
            name="data",
        )
        to_read = in_order(
            m,
            axi.arvalid & axi.arready,
            [axi.araddr[2:]],
            unit.read,
            [unit.read_word],
            capacity=1,
            name="read",
        )
        answers = in_order(
            m, unit.read, [unit.read_data], axi.rvalid & axi.rready, [axi.rdata], capacity=2, name="answer"
        )
        written = Signal(2)  # and not answered
        m.d.sync += written.eq(written + unit.write - (axi.bvalid & axi.bready))
        m.d.comb += [Assert(axi.bvalid == written), Assert(written < 2), Cover(axi.bvalid)]

        # What makes it inductive.
        for ghost, empty, held in (
            (to_word, axi.awready, unit.write_word),
            (to_data, axi.wready, Cat(unit.write_data, unit.write_mask)),
            (to_read, axi.arready, unit.read_word),
        ):
            m.d.comb += Assert(ghost["inside"] == ~empty)
            with m.If(ghost["watching"]):
                m.d.comb += Assert(held == ghost["watched"])
        m.d.comb += Assert(answers["inside"] == axi.rvalid)
        with m.If(answers["watching"]):
            m.d.comb += Assert(axi.rdata == answers["watched"])
        return m
