"""The handshakes of an AXI4-Lite slave, with registers left to its user."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.bus.axi import AxiLite, Resp
from pointwise.hw.contract.registers import ADDRESS_BITS

WORD_BITS = ADDRESS_BITS - 2


class AxiLiteSlave(wiring.Component):
    """One write and one read at a time; address and data of a write may come in any order.

    Ports:
        axi: the bus. Everything is answered OKAY.
        write: high for a cycle for each write.
        write_word: the word that is written.
        write_data: what is written to it.
        write_mask: to which bytes, a bit each.
        read: high for a cycle for each read.
        read_word: the word that is read; it stands for two cycles then, so that there is time for a register.
        read_data: what it holds, taken in the cycle of ``read``.

    Latency: a write acts one cycle after address and data have come, a read two cycles after its address; the
    answer is there a cycle later. Throughput: a write in two cycles, a read in three.
    """

    axi: In(AxiLite())
    write: Out(1)
    write_word: Out(WORD_BITS)
    write_data: Out(32)
    write_mask: Out(4)
    read: Out(1)
    read_word: Out(WORD_BITS)
    read_data: In(32)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        axi = self.axi
        has_address = Signal()
        has_data = Signal()
        has_read = Signal()
        had_read = Signal()

        m.d.comb += [
            axi.awready.eq(~has_address),
            axi.wready.eq(~has_data),
            axi.bresp.eq(Resp.OKAY),
            self.write.eq(has_address & has_data & ~axi.bvalid),
        ]
        with m.If(axi.awvalid & axi.awready):
            m.d.sync += [has_address.eq(1), self.write_word.eq(axi.awaddr[2:])]
        with m.If(axi.wvalid & axi.wready):
            m.d.sync += [has_data.eq(1), self.write_data.eq(axi.wdata), self.write_mask.eq(axi.wstrb)]
        with m.If(axi.bready):
            m.d.sync += axi.bvalid.eq(0)
        with m.If(self.write):
            m.d.sync += [has_address.eq(0), has_data.eq(0), axi.bvalid.eq(1)]

        m.d.comb += [
            axi.arready.eq(~has_read),
            axi.rresp.eq(Resp.OKAY),
            self.read.eq(had_read & ~axi.rvalid),
        ]
        m.d.sync += had_read.eq(has_read & ~self.read)
        with m.If(axi.arvalid & axi.arready):
            m.d.sync += [has_read.eq(1), self.read_word.eq(axi.araddr[2:])]
        with m.If(axi.rready):
            m.d.sync += axi.rvalid.eq(0)
        with m.If(self.read):
            m.d.sync += [has_read.eq(0), axi.rvalid.eq(1), axi.rdata.eq(self.read_data)]
        return m
