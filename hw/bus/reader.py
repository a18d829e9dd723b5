"""The AXI4 read master, shared by everything in the core that reads DRAM."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.timing import outstanding_bursts

from .axi import AxiRead, drive_constants
from .bursts import BurstSplitter, JudgedBurstLayout
from .window import WINDOWS, TransferLayout, WindowLayout


class AxiReader(wiring.Component):
    """Reads consecutive beats for several clients over one AXI4 bus.

    A transfer is cut into INCR bursts of whole beats (see ``BurstSplitter``). A burst is put on the bus only
    when the FIFO of its client has room for all of it, so RREADY is always high and no client can hold up
    another. Clients take turns burst by burst. All bursts have id 0 and are answered in order.

    A transfer that does not lie in its window as a whole is refused: none of its bursts reaches the bus.

    Args:
        config: gives the bus and the longest burst.
        depths: for each client the depth of its FIFO in beats, at least ``axi_burst`` and 2. Twice the
            latency of the memory is not needed: latency + ``axi_burst`` + 8 sustains a beat a cycle.

    Ports:
        axi: the bus.
        windows: what may be read, by ``Base``; they change only during ``halt``.
        transfers: for each client the stream of what to read, in order.
        beats: for each client the stream of the data, out of its FIFO.
        halt: forget all transfers and all data. Bursts on the bus are awaited and dropped. Hold it until
            ``idle``.
        idle: no burst is on the bus.
        error: a burst was answered SLVERR or DECERR, or a transfer was refused; it lasts until ``halt``.
        error_address: of the first such burst.
        refused: the client whose transfer that was, a bit for each, or 0 for an answer.
        progress: a beat came in this cycle.

    Latency: five cycles from a transfer to ARVALID, four from RVALID to the client.
    Throughput: one beat a cycle; one burst a cycle, of which a client has every second.
    """

    def __init__(self, config: CoreConfig, depths: Sequence[int]) -> None:
        for depth in depths:
            if depth < max(2, config.axi_burst):
                raise PointwiseError(
                    f"a read FIFO of {depth} beats cannot hold a burst of {config.axi_burst}; make it at "
                    f"least {max(2, config.axi_burst)} beats deep"
                )
        self.config, self.depths = config, tuple(depths)
        width, addr_width = config.axi_data_width, config.axi_addr_width
        super().__init__(
            {
                "axi": Out(AxiRead(width, addr_width)),
                "windows": In(WindowLayout(addr_width)).array(WINDOWS),
                "transfers": In(stream.Signature(TransferLayout())).array(len(depths)),
                "beats": Out(stream.Signature(width)).array(len(depths)),
                "halt": In(1),
                "idle": Out(1),
                "error": Out(1),
                "error_address": Out(addr_width),
                "refused": Out(len(depths)),
                "progress": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, axi = self.config, self.axi
        clients = len(self.depths)
        # Which client it is has a bit for each.
        owner_layout = data.StructLayout(
            {"address": unsigned(config.axi_addr_width), "clients": unsigned(clients)}
        )
        outstanding = outstanding_bursts(config.axi_burst)
        m.submodules.owners = owners = SyncFIFO(width=owner_layout.size, depth=outstanding)

        # R: the oldest burst tells whose beat it is, and the beat is in that FIFO a cycle later.
        owner = data.View(owner_layout, owners.r_stream.payload)
        arrives = Signal()
        ended = Signal()
        word = Signal(config.axi_data_width, reset_less=True)
        came = Signal(clients)
        m.d.comb += [
            axi.rready.eq(1),
            arrives.eq(axi.rvalid & owners.r_stream.valid),
            ended.eq(arrives & axi.rlast),
            owners.r_stream.ready.eq(axi.rvalid & axi.rlast),
            self.progress.eq(arrives),
            self.idle.eq(~axi.arvalid & ~owners.r_stream.valid),
        ]
        m.d.sync += [word.eq(axi.rdata), came.eq(Mux(arrives, owner.clients, 0))]
        refuses = Signal()  # what was chosen in the cycle before
        kept = Signal(clients)
        with m.If(self.halt):
            m.d.sync += self.error.eq(0)
        with m.Elif(~self.error):
            m.d.sync += [
                self.error.eq(refuses | (arrives & axi.rresp[1])),
                self.refused.eq(Mux(refuses, kept, 0)),
                self.error_address.eq(Mux(refuses, axi.araddr, owner.address)),
            ]

        # Clients: bursts that have room, and the FIFO that the room is in.
        offers = []
        for index, depth in enumerate(self.depths):
            room_bits = depth.bit_length()
            splitter = BurstSplitter(
                config.axi_data_width, config.axi_addr_width, config.axi_burst, room_bits=room_bits
            )
            # One more than the depth: the output register of the FIFO must not count as room.
            fifo = SyncFIFOBuffered(width=config.axi_data_width, depth=depth + 1)
            m.submodules[f"splitter{index}"] = ResetInserter(self.halt)(splitter)
            m.submodules[f"fifo{index}"] = ResetInserter(self.halt)(fifo)
            transfers, beats = self.transfers[index], self.beats[index]
            room = Signal(room_bits, init=depth, name=f"room{index}")
            taken = Signal(name=f"taken{index}")  # in the cycle before
            m.d.comb += [inner.eq(outer) for inner, outer in zip(splitter.windows, self.windows, strict=True)]
            m.d.comb += [
                splitter.transfers.payload.eq(transfers.payload),
                splitter.transfers.valid.eq(transfers.valid & ~self.halt),
                transfers.ready.eq(splitter.transfers.ready & ~self.halt),
                splitter.room.eq(room),
                fifo.w_stream.payload.eq(word),
                fifo.w_stream.valid.eq(came[index]),
                fifo.r_stream.ready.eq(~beats.valid | beats.ready),
            ]
            m.d.sync += [
                room.eq(room - splitter.reserve + taken),
                taken.eq(beats.valid & beats.ready),
            ]
            # A register of its own: block RAM takes half a cycle to show its word.
            with m.If(fifo.r_stream.ready):
                m.d.sync += [beats.valid.eq(fifo.r_stream.valid), beats.payload.eq(fifo.r_stream.payload)]
            with m.If(self.halt):
                m.d.sync += [room.eq(depth), taken.eq(0), beats.valid.eq(0)]
            offers.append(splitter.bursts)

        # AR: round robin, the client after the last one first.
        turn = Signal(range(max(2, clients)))
        chosen = Signal(clients)
        with m.Switch(turn):
            for last in range(clients):
                with m.Case(last):
                    order = [(last + step) % clients for step in range(1, clients + 1)]
                    for place, index in enumerate(order):
                        before = Cat(offers[other].valid for other in order[:place])
                        m.d.comb += chosen[index].eq(offers[index].valid & ~before.any())
        offered = [Mux(chosen[i], offer.payload.as_value(), 0) for i, offer in enumerate(offers)]
        burst = data.View(JudgedBurstLayout(config.axi_addr_width, config.axi_burst), reduce(or_, offered))
        issue = Signal()
        issued = Signal()
        # Places in the FIFO of owners, which a burst enters when it is on the bus.
        places = Signal(range(outstanding + 1), init=outstanding)
        vacant = Signal(init=1)
        m.d.sync += [
            places.eq(places - issue + ended + refuses),
            vacant.eq(ended | refuses | (places > 1) | ((places == 1) & ~issue)),
            issued.eq(issue & ~burst.outside),
            refuses.eq(issue & burst.outside),
        ]
        free = vacant & (~axi.arvalid | axi.arready) & ~self.halt
        m.d.comb += issue.eq(chosen.any() & free)
        for index, offer in enumerate(offers):
            m.d.comb += offer.ready.eq(chosen[index] & free)
            with m.If(offer.ready):
                m.d.sync += turn.eq(index)
        m.d.comb += [
            owners.w_stream.payload.eq(Cat(axi.araddr, kept)),  # in the order of owner_layout
            owners.w_stream.valid.eq(issued),
        ]
        with m.If(axi.arready):
            m.d.sync += axi.arvalid.eq(0)
        with m.If(issue):
            m.d.sync += [
                axi.arvalid.eq(~burst.outside),
                axi.araddr.eq(burst.burst.address),
                axi.arlen.eq(burst.burst.length),
                kept.eq(chosen),
            ]
        drive_constants(m, axi, "ar")
        return m
