"""Harnesses of AxiWriter: handshakes and the count of bursts for ever, bursts and data for some cycles."""

from amaranth.hdl import Assert, Assume, Cat, Cover, Elaboratable, Module, Mux, Signal

from pointwise.hw.bus.writer import AxiWriter
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Base
from pointwise.sim.formal.axi import address_channel, write_memory
from pointwise.sim.formal.properties import free_inputs, in_order, inside, previous, stable

MOST_BEATS = 3
"""Of a transfer where data is followed: two bursts of two beats from an odd address on."""


WINDOW_BASE, WINDOW_BYTES = 0x3000, 0x8000


class WriterProtocolProof(Elaboratable):
    """Any transfers, halts and answers: AW and W stay until they are taken, and no answer is forgotten."""

    def __init__(self, config: CoreConfig) -> None:
        self.config = config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = AxiWriter(self.config)
        free_inputs(m, unit, fixed=("axi",))
        state = inside(m, unit)
        axi = unit.axi
        memory = write_memory(m, axi)
        stable(m, axi.awvalid, axi.awready, Cat(axi.awaddr, axi.awlen), name="aw")
        stable(m, axi.wvalid, axi.wready, Cat(axi.wdata, axi.wstrb, axi.wlast), name="w")
        m.d.comb += [
            Assert(axi.bready),
            Assert(state["answers.level"] == memory["unanswered"] + axi.awvalid),
            Assert(~unit.idle | (memory["unanswered"] == 0)),
            # A beat that is taken finds room.
            Assert(~state["taken"] | (state["fifo.w_rdy"] & state["queue.w_rdy"])),
        ]
        # What makes that inductive.
        depth = max(16, 2 * self.config.axi_burst)
        for signal, coming in (("roomy", 2), ("accepts", 1)):
            with m.If(state[signal]):
                m.d.comb += [Assert(state[f"{fifo}.level"] + coming <= depth) for fifo in ("fifo", "queue")]
        with m.If(state["vacant"]):
            m.d.comb += Assert(state["answers.w_rdy"])
        return m


class WriterDataProof(Elaboratable):
    """Beats go to their addresses, in order, in bursts that AXI4 allows, ended by WLAST; errors are told."""

    def __init__(self, config: CoreConfig) -> None:
        self.config = config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = AxiWriter(self.config)
        free_inputs(m, unit, fixed=("axi", "halt", "windows"))
        state = inside(m, unit)
        axi, transfers, beats = unit.axi, unit.transfers, unit.beats
        window = unit.windows[Base.OUTPUT]
        m.d.comb += [window.base.eq(WINDOW_BASE), window.bytes.eq(WINDOW_BYTES)]
        memory = write_memory(m, axi)
        address_channel(m, axi, "aw", most=self.config.axi_burst)
        burst = self.config.axi_burst
        lane = self.config.bus_bytes.bit_length() - 1

        # Where each beat belongs; a transfer may come while the beats of the one before are still taken.
        taken = beats.valid & beats.ready
        place = Signal(self.config.axi_addr_width - lane)
        left = Signal(range(MOST_BEATS + 1))
        following = Signal.like(transfers.payload)
        follows = Signal()
        with m.If(follows & ((left == 0) | (taken & (left == 1)))):
            m.d.sync += [
                place.eq((WINDOW_BASE + following.offset) >> lane),
                left.eq(following.beats),
                follows.eq(0),
            ]
        with m.Elif(taken):
            m.d.sync += [place.eq(place + 1), left.eq(left - 1)]
        with m.If(transfers.valid & transfers.ready):
            m.d.sync += [following.eq(transfers.payload), follows.eq(1)]
        m.d.comb += [
            Assume(~transfers.valid | ((transfers.p.beats != 0) & (transfers.p.beats <= MOST_BEATS))),
            Assume(~transfers.valid | (transfers.p.window == Base.OUTPUT)),
            Assume(~transfers.valid | (transfers.p.offset + (transfers.p.beats << lane) <= WINDOW_BYTES)),
            Assert(~taken | (left != 0)),
        ]

        sent = axi.wvalid & axi.wready
        offered = axi.awvalid & ~previous(m, axi.awvalid & ~axi.awready, name="offered")
        first = axi.awaddr[lane:]
        addresses = [(first + beat)[: len(place)] for beat in range(burst)]
        in_order(m, taken, [place], Mux(offered, axi.awlen + 1, 0), addresses, capacity=31, name="address")
        in_order(m, taken, [beats.payload], sent, [axi.wdata], capacity=31, name="data")
        with m.If(axi.wvalid):
            m.d.comb += Assert(axi.wstrb.all())

        count = Signal(8)  # beats of the present burst that are sent
        with m.If(sent):
            m.d.sync += count.eq(Mux(axi.wlast, 0, count + 1))
        owed = in_order(m, offered, [axi.awlen], sent & axi.wlast, [count], capacity=31, name="length")
        m.d.comb += Assert(~axi.wvalid | (owed["inside"] != 0))  # no data before its address is offered

        in_order(
            m,
            offered,
            [axi.awaddr],
            memory["answered"],
            [state["answers.r_data"]],
            capacity=31,
            name="answer",
        )
        failed = Signal()
        address = Signal.like(unit.error_address)
        with m.If(memory["answered"] & memory["resp"][1] & ~failed):
            m.d.sync += [failed.eq(1), address.eq(state["answers.r_data"])]
        m.d.comb += [Assert(unit.error == failed), Cover(failed)]
        with m.If(failed):
            m.d.comb += Assert(unit.error_address == address)
        return m


class WriterHaltProof(Elaboratable):
    """A halt at any time, held until idle: what was begun is ended within the rules, with WSTRB = 0."""

    def __init__(self, config: CoreConfig) -> None:
        self.config = config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = AxiWriter(self.config)
        free_inputs(m, unit, fixed=("axi",))
        inside(m, unit)
        axi = unit.axi
        memory = write_memory(m, axi)
        address_channel(m, axi, "aw", most=self.config.axi_burst)
        stable(m, axi.wvalid, axi.wready, Cat(axi.wdata, axi.wstrb, axi.wlast), name="w")
        halting = previous(m, unit.halt & ~unit.idle, name="halting")
        empty = unit.transfers.valid & (unit.transfers.p.beats == 0)
        m.d.comb += [Assume(~halting | unit.halt), Assume(~empty)]
        sent = axi.wvalid & axi.wready
        offered = axi.awvalid & ~previous(m, axi.awvalid & ~axi.awready, name="offered")
        count = Signal(8)
        with m.If(sent):
            m.d.sync += count.eq(Mux(axi.wlast, 0, count + 1))
        owed = in_order(m, offered, [axi.awlen], sent & axi.wlast, [count], capacity=31, name="length")
        began = axi.wvalid & ~previous(m, axi.wvalid & ~axi.wready, name="began")
        with m.If(began & previous(m, unit.halt, name="halted")):
            m.d.comb += [Assert(axi.wstrb == 0), Cover(axi.wlast)]
        m.d.comb += [
            Assert(~axi.wvalid | (owed["inside"] != 0)),
            Assert(~(unit.halt & unit.idle) | ((memory["unanswered"] == 0) & (owed["inside"] == 0))),
        ]
        return m
