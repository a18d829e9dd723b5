"""The drivers on small designs of both languages: an Amaranth FIFO and SystemVerilog registers."""

from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench

HERE = Path(__file__).parent
BENCH = HERE / "bench_drivers.py"


class Fifo(wiring.Component):
    """A FIFO between two streams."""

    def __init__(self, width: int) -> None:
        super().__init__({"i": In(stream.Signature(width)), "o": Out(stream.Signature(width))})
        self.width = width

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=self.width, depth=4)
        m.d.comb += [
            fifo.w_stream.payload.eq(self.i.payload),
            fifo.w_stream.valid.eq(self.i.valid),
            self.i.ready.eq(fifo.w_stream.ready),
            self.o.payload.eq(fifo.r_stream.payload),
            self.o.valid.eq(fifo.r_stream.valid),
            fifo.r_stream.ready.eq(self.o.ready),
        ]
        return m


def run_fifo(testcase, width=130, **config):
    config = {"words": 400, "source_stall": 0, "sink_stall": 0, "stalls_off": False} | config
    environment = {"POINTWISE_STALLS": "0"} if config["stalls_off"] else {}
    verilog = to_verilog(Fifo(width), "fifo")
    return bench([verilog], "fifo", BENCH, config=config, environment=environment, testcase=testcase)


@pytest.mark.parametrize(("source", "sink"), [(0, 0), (0.5, 0), (0, 0.5), (0.7, 0.3), (0.1, 0.8)])
def test_streams_arrive_whole_with_and_without_stalls(source, sink):
    run_fifo("fifo", source_stall=source, sink_stall=sink)


def test_one_switch_turns_stalls_off():
    run_fifo("fifo", source_stall=0.9, sink_stall=0.9, stalls_off=True)


def test_source_takes_negative_words():
    run_fifo("negative_words")


def test_source_keeps_a_word_until_it_is_taken():
    run_fifo("payload_waits")


def test_axi_lite_master():
    bench([HERE / "rtl_registers.sv"], "registers", BENCH, testcase="registers|silent_write")
