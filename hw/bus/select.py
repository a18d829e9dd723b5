"""Two users of one client of the reader, one at a time."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from pointwise.hw.contract.config import CoreConfig

from .window import TransferLayout


class ReadSelect(wiring.Component):
    """Lets ``select`` say which of two users has a client of ``AxiReader``; it changes only while both rest.

    Ports:
        select: which of the users has the client, 0 or 1.
        transfers: of the users.
        beats: to the users.
        client_transfers: to the reader.
        client_beats: from the reader.

    Latency: none, it is a multiplexer.
    """

    def __init__(self, config: CoreConfig) -> None:
        transfers = stream.Signature(TransferLayout())
        beats = stream.Signature(config.axi_data_width)
        super().__init__(
            {
                "select": In(1),
                "transfers": In(transfers).array(2),
                "beats": Out(beats).array(2),
                "client_transfers": Out(transfers),
                "client_beats": In(beats),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for index in range(2):
            m.d.comb += self.beats[index].payload.eq(self.client_beats.payload)
            with m.If(self.select == index):
                m.d.comb += [
                    self.client_transfers.payload.eq(self.transfers[index].payload),
                    self.client_transfers.valid.eq(self.transfers[index].valid),
                    self.transfers[index].ready.eq(self.client_transfers.ready),
                    self.beats[index].valid.eq(self.client_beats.valid),
                    self.client_beats.ready.eq(self.beats[index].ready),
                ]
        return m
