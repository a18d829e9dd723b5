"""The AXI4 read master, shared by everything in the core that reads DRAM."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, ResetInserter, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO, SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError

from .axi import AxiRead, TransferLayout, drive_constants
from .bursts import BurstLayout, BurstSplitter

IN_FLIGHT_BEATS = 64
"""Beats that may be under way at least: enough for a memory that answers after some sixty cycles."""


def outstanding_bursts(burst: int) -> int:
    """Bursts that a master keeps track of: 16, or as many as make IN_FLIGHT_BEATS."""
    return max(16, IN_FLIGHT_BEATS // burst)


class AxiReader(wiring.Component):
    """Reads consecutive beats for several clients over one AXI4 bus.

    A transfer is cut into INCR bursts of whole beats (see ``BurstSplitter``). A burst is put on the bus only
    when the FIFO of its client has room for all of it, so RREADY is always high and no client can hold up
    another. Clients take turns burst by burst. All bursts have id 0 and are answered in order.

    Args:
        config: gives the bus and the longest burst.
        depths: for each client the depth of its FIFO in beats, at least ``axi_burst`` and 2. Twice the
            latency of the memory is not needed: latency + ``axi_burst`` + 8 sustains a beat a cycle.

    Ports:
        axi: the bus.
        transfers: for each client the stream of what to read, in order (addresses aligned to the beat).
        beats: for each client the stream of the data, out of its FIFO.
        halt: forget all transfers and all data. Bursts on the bus are awaited and dropped. Hold it until
            ``idle``.
        idle: no burst is on the bus.
        error: a burst was answered SLVERR or DECERR; it lasts until ``halt``. error_address: of the first
            such burst.
        progress: a beat came in this cycle.

    Latency: five cycles from a transfer to ARVALID, three from RVALID to the client.
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
                "transfers": In(stream.Signature(TransferLayout(addr_width))).array(len(depths)),
                "beats": Out(stream.Signature(width)).array(len(depths)),
                "halt": In(1),
                "idle": Out(1),
                "error": Out(1),
                "error_address": Out(addr_width),
                "progress": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, axi = self.config, self.axi
        clients = len(self.depths)
        client_bits = max(1, (clients - 1).bit_length())
        owner_layout = data.StructLayout(
            {"address": unsigned(config.axi_addr_width), "client": unsigned(client_bits)}
        )
        outstanding = outstanding_bursts(config.axi_burst)
        m.submodules.owners = owners = SyncFIFO(width=owner_layout.size, depth=outstanding)

        # R: the oldest burst tells whose beat it is.
        owner = data.View(owner_layout, owners.r_data)
        arrives = Signal()
        m.d.comb += [
            axi.rready.eq(1),
            arrives.eq(axi.rvalid & owners.r_rdy),
            owners.r_en.eq(axi.rvalid & axi.rlast),
            self.progress.eq(arrives),
            self.idle.eq(~axi.arvalid & ~owners.r_rdy),
        ]
        with m.If(self.halt):
            m.d.sync += self.error.eq(0)
        with m.Elif(arrives & axi.rresp[1] & ~self.error):
            m.d.sync += [self.error.eq(1), self.error_address.eq(owner.address)]

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
            m.d.comb += [
                splitter.transfers.payload.eq(transfers.payload),
                splitter.transfers.valid.eq(transfers.valid & ~self.halt),
                transfers.ready.eq(splitter.transfers.ready & ~self.halt),
                splitter.room.eq(room),
                fifo.w_data.eq(axi.rdata),
                fifo.w_en.eq(arrives & (owner.client == index)),
                fifo.r_en.eq(~beats.valid | beats.ready),
            ]
            m.d.sync += [
                room.eq(room - splitter.reserve + taken),
                taken.eq(beats.valid & beats.ready),
            ]
            # A register of its own: block RAM takes half a cycle to show its word.
            with m.If(fifo.r_en):
                m.d.sync += [beats.valid.eq(fifo.r_rdy), beats.payload.eq(fifo.r_data)]
            with m.If(self.halt):
                m.d.sync += [room.eq(depth), taken.eq(0), beats.valid.eq(0)]
            offers.append(splitter.bursts)

        # AR: round robin, the client after the last one first.
        turn = Signal(client_bits)
        chosen = Signal(client_bits)
        burst = Signal(BurstLayout(config.axi_addr_width, config.axi_burst))
        offered = Signal()
        with m.Switch(turn):
            for last in range(clients):
                with m.Case(last):
                    for step in reversed(range(1, clients + 1)):
                        index = (last + step) % clients
                        with m.If(offers[index].valid):
                            m.d.comb += [chosen.eq(index), burst.eq(offers[index].payload), offered.eq(1)]
        issue = Signal()
        m.d.comb += issue.eq(offered & owners.w_rdy & (~axi.arvalid | axi.arready) & ~self.halt)
        for index, offer in enumerate(offers):
            m.d.comb += offer.ready.eq(issue & (chosen == index))
        m.d.comb += [
            owners.w_data.eq(Cat(burst.address, chosen)),  # in the order of owner_layout
            owners.w_en.eq(issue),
        ]
        with m.If(axi.arready):
            m.d.sync += axi.arvalid.eq(0)
        with m.If(issue):
            m.d.sync += [
                axi.arvalid.eq(1),
                axi.araddr.eq(burst.address),
                axi.arlen.eq(burst.length),
                turn.eq(chosen),
            ]
        drive_constants(m, axi, "ar")
        return m
