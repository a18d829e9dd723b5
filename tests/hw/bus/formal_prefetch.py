"""Harnesses of StreamPrefetch and ReadSelect: streams are asked for in order, each ends at its last beat."""

from amaranth.hdl import Assert, Assume, Cat, Elaboratable, Module, Mux, Signal

from pointwise.hw.bus.prefetch import StreamPrefetch
from pointwise.hw.bus.select import ReadSelect
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Base
from pointwise.sim.formal.properties import free_inputs, in_order, inside, stable

MOST_BEATS = 3


class PrefetchProof(Elaboratable):
    """Any streams of up to MOST_BEATS beats, any pauses, any flush."""

    def __init__(self, config: CoreConfig) -> None:
        self.config = config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = StreamPrefetch(self.config)
        free_inputs(m, unit)
        state = inside(m, unit)
        streams, transfers, beats = unit.streams, unit.transfers, unit.beats
        few = (streams.p.beats != 0) & (streams.p.beats <= MOST_BEATS)
        m.d.comb += [Assume(~streams.valid | few), Assert(transfers.p.window == Base.IMAGE)]
        m.d.comb += Assert(transfers.p.offset[32:] == 0)
        stable(m, transfers.valid, transfers.ready, transfers.payload, name="transfers")
        stable(m, unit.rows.valid, unit.rows.ready, unit.rows.payload, name="rows")

        accepted = streams.valid & streams.ready
        asked = transfers.valid & transfers.ready
        in_order(
            m,
            accepted,
            [Cat(streams.p.offset, streams.p.beats)],
            asked,
            [Cat(transfers.p.offset[:32], transfers.p.beats)],
            capacity=15,
            name="transfer",
        )
        came = beats.valid & beats.ready
        due = Signal(6)  # beats that were asked for and did not come
        m.d.sync += due.eq(due + Mux(asked, transfers.p.beats, 0) - came)
        m.d.comb += Assume(~beats.valid | (due != 0))
        count = Signal(3)
        final = state["beats__payload"][self.config.axi_data_width]  # the mark on its way to the unpacker
        ends = came & final
        with m.If(came):
            m.d.sync += count.eq(Mux(final, 0, count + 1))
        in_order(m, accepted, [streams.p.beats[:3]], ends, [(count + 1)[:3]], capacity=15, name="length")
        m.d.comb += Assert(~came | (count < MOST_BEATS))
        return m


class SelectProof(Elaboratable):
    """The user that is selected sees the client, and the other one sees neither a beat nor room."""

    def __init__(self, config: CoreConfig) -> None:
        self.config = config

    def elaborate(self, platform: object) -> Module:
        m = Module()
        unit = ReadSelect(self.config)
        free_inputs(m, unit)
        inside(m, unit)
        client, data = unit.client_transfers, unit.client_beats
        for index in range(2):
            transfers, beats = unit.transfers[index], unit.beats[index]
            with m.If(unit.select == index):
                m.d.comb += [
                    Assert(client.valid == transfers.valid),
                    Assert(client.payload.as_value() == transfers.payload.as_value()),
                    Assert(transfers.ready == client.ready),
                    Assert(beats.valid == data.valid),
                    Assert(beats.payload == data.payload),
                    Assert(data.ready == beats.ready),
                ]
            with m.Else():
                m.d.comb += [Assert(~transfers.ready), Assert(~beats.valid)]
        return m
