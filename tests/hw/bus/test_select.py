"""ReadSelect in Amaranth's own simulator: it is a multiplexer, so every case is looked at."""

import itertools

from amaranth.sim import Simulator

from pointwise.hw.bus.select import ReadSelect
from pointwise.hw.contract.config import CoreConfig


def test_the_selected_user_has_the_client_and_the_other_nothing():
    dut = ReadSelect(CoreConfig(axi_data_width=32))
    transfers, beats = list(dut.transfers), list(dut.beats)

    async def bench(ctx):
        for index in range(2):
            ctx.set(
                transfers[index].payload, {"window": index, "offset": 64 * (index + 1), "beats": index + 5}
            )
        ctx.set(dut.client_beats.payload, 0x12345678)
        for chosen, asks, other_asks, ready, valid, takes in itertools.product((0, 1), repeat=6):
            other = 1 - chosen
            ctx.set(dut.select, chosen)
            ctx.set(transfers[chosen].valid, asks)
            ctx.set(transfers[other].valid, other_asks)
            ctx.set(dut.client_transfers.ready, ready)
            ctx.set(dut.client_beats.valid, valid)
            ctx.set(beats[chosen].ready, takes)
            ctx.set(beats[other].ready, 1)
            assert ctx.get(dut.client_transfers.valid) == asks
            assert ctx.get(dut.client_transfers.p.window) == chosen
            assert ctx.get(dut.client_transfers.p.offset) == 64 * (chosen + 1)
            assert ctx.get(dut.client_transfers.p.beats) == chosen + 5
            assert [ctx.get(transfers[i].ready) for i in (chosen, other)] == [ready, 0]
            assert [ctx.get(beats[i].valid) for i in (chosen, other)] == [valid, 0]
            assert ctx.get(dut.client_beats.ready) == takes
            assert ctx.get(beats[chosen].payload) == 0x12345678

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
