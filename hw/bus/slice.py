"""Registers between the core and a system's interconnect, so that their paths do not add up."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig

from .axi import Axi4

HELD = {"aw": ("awaddr", "awlen"), "w": ("wdata", "wstrb", "wlast"), "ar": ("araddr", "arlen")}
"""Channels of a master that may be held up, and what changes on them."""
ANSWERS = {"r": ("rid", "rdata", "rresp", "rlast"), "b": ("bid", "bresp")}
"""Channels on which the core's masters are always ready."""


class RegisterSlice(wiring.Component):
    """Passes a stream on; no path leads through it, neither forwards nor from READY to READY.

    Args:
        shape: of the payload.

    Ports:
        i: comes in; its READY is a register.
        o: goes out, registers too.

    Latency: one cycle. Throughput: one payload a cycle.
    """

    def __init__(self, shape: ShapeLike) -> None:
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o = self.i, self.o
        # What came in the cycle in which the output stopped: the input could not know of it.
        spare = Signal.like(i.payload, reset_less=True)
        full = Signal()
        m.d.comb += i.ready.eq(~full)
        with m.If(~o.valid | o.ready):
            m.d.sync += [
                o.valid.eq(full | i.valid),
                o.payload.eq(Mux(full, spare, i.payload)),
                full.eq(0),
            ]
        with m.Elif(i.valid):
            m.d.sync += full.eq(1)
        # Whether the output goes on need not be known for it: what is not needed is overwritten.
        with m.If(~full):
            m.d.sync += spare.eq(i.payload)
        return m


class ElasticBuffer(RegisterSlice):
    """Passes a stream on through two registers in turn, for a wide payload that goes far away.

    The same as ``RegisterSlice`` from cycle to cycle, latency and throughput included. But the output's READY
    leads to three flip-flops, not to the enables of a whole word, and the payload goes out through a
    multiplexer.
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        i, o = self.i, self.o
        held = [Signal.like(i.payload, name=f"held{turn}", reset_less=True) for turn in range(2)]
        both = Signal()  # hold a payload; with o.valid alone one of them does
        into = Signal()
        out_of = Signal()
        comes = Signal()
        goes = Signal()
        m.d.comb += [
            i.ready.eq(~both),
            comes.eq(i.valid & ~both),
            goes.eq(o.valid & o.ready),
            o.payload.eq(Mux(out_of, held[1], held[0])),
        ]
        m.d.sync += [
            o.valid.eq(comes | both | (o.valid & ~goes)),
            both.eq((both | (o.valid & comes)) & ~goes),
            into.eq(into ^ comes),
            out_of.eq(out_of ^ goes),
        ]
        # What is not needed is overwritten.
        for turn, word in enumerate(held):
            with m.If(~both & (into == turn)):
                m.d.sync += word.eq(i.payload)
        return m


class AxiSlice(wiring.Component):
    """Registers on all channels of an AXI4 bus, in both directions, for masters that always take answers.

    Args:
        config: gives the bus.

    Ports:
        master: where the core's masters are; RREADY and BREADY must be high in every cycle.
        bus: towards the system. What never changes on an address channel is passed on as it is.

    Latency: one cycle in each channel. Throughput: one beat, address or answer a cycle.
    """

    def __init__(self, config: CoreConfig) -> None:
        signature = Axi4(config.axi_data_width, config.axi_addr_width)
        super().__init__({"master": In(signature), "bus": Out(signature)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        members = self.bus.signature.members
        registered = set()
        for channel, names in HELD.items():
            shape = data.StructLayout({name: members[name].shape for name in names})
            m.submodules[channel] = held = RegisterSlice(shape)
            for port, ours in ((self.master, held.i), (self.bus, held.o)):
                inwards = port is self.master
                pairs = [(ours.p[name], getattr(port, name)) for name in names]
                pairs.append((ours.valid, getattr(port, channel + "valid")))
                pairs.append((getattr(port, channel + "ready"), ours.ready))
                m.d.comb += [to.eq(of) if inwards else of.eq(to) for to, of in pairs]
            registered |= {*names, channel + "valid", channel + "ready"}
        for channel, names in ANSWERS.items():
            m.d.sync += [
                getattr(self.master, name).eq(getattr(self.bus, name)) for name in (*names, channel + "valid")
            ]
            m.d.comb += getattr(self.bus, channel + "ready").eq(1)
            registered |= {*names, channel + "valid", channel + "ready"}
        # In the order of the signature: that of a set differs between runs, and with it the Verilog.
        for name in members:
            if name not in registered:
                m.d.comb += getattr(self.bus, name).eq(getattr(self.master, name))
        return m
