"""cocotb tests of StreamPrefetch against slices of an image (see test_prefetch)."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout

from pointwise.hw.bus.window import TransferLayout
from pointwise.hw.contract.isa import Base
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSink, StreamSource, reset, stall_pattern

TIMEOUT = 5_000_000


class Unit:
    """One prefetcher, the image that it reads, and a stand-in for the reader."""

    def __init__(self, dut, name, shape, stall):
        self.dut, self.name = dut, name
        self.row, self.beat = shape["row_bytes"], shape["bus_bytes"]
        self.image = random.randbytes(1 << 14)
        self.streams = StreamSource(dut, f"{name}_streams", stall=stall)
        self.transfers = StreamSink(dut, f"{name}_transfers", stall=stall)
        self.beats = StreamSource(dut, f"{name}_beats", stall=stall)
        self.stalled = stall_pattern(f"{name}_rows", stall)
        self.port("rows_ready").value = 0
        self.port("flush").value = 0
        self.asked = []
        cocotb.start_soon(self.read())

    def port(self, name):
        return getattr(self.dut, f"{self.name}_{name}")

    async def read(self):
        """Answers transfers from the image."""
        while True:
            (word,) = await self.transfers.receive(1)
            transfer = TransferLayout().from_bits(word)
            assert transfer.window == Base.IMAGE
            offset, beats = transfer.offset, transfer.beats
            self.asked.append((offset, beats))
            for at in range(offset, offset + beats * self.beat, self.beat):
                self.beats.put([int.from_bytes(self.image[at : at + self.beat], "little")])

    async def take(self, offset, rows):
        """Takes the rows of one stream, with ``flush`` at the last."""
        for number in range(rows):
            while True:
                go = not self.stalled()
                self.port("flush").value = int(number == rows - 1)
                self.port("rows_ready").value = int(go)
                await RisingEdge(self.dut.clk)
                if go and int(self.port("rows_valid").value):
                    break
            at = offset + number * self.row
            row = int.from_bytes(self.image[at : at + self.row], "little")
            assert int(self.port("rows_payload").value) == row
        self.port("rows_ready").value = 0

    async def run(self, count):
        wanted = []
        for _ in range(count):
            rows = random.choice((1, 2, 9, random.randint(1, 40)))
            size = -(-rows * self.row // 64) * 64
            offset = random.randrange((len(self.image) - size) // 64 + 1) * 64
            wanted.append((offset, rows, size // self.beat))
        self.streams.put(beats << 32 | offset for offset, _, beats in wanted)
        for offset, rows, _ in wanted:
            await self.take(offset, rows)
        assert self.asked == [(offset, beats) for offset, _, beats in wanted]


@cocotb.test()
async def rows(dut):
    """The rows of one stream after the other, however long their padding."""
    Clock(dut.clk, 10, unit="ns").start()
    await reset(dut)
    config = bench_config()
    units = [Unit(dut, name, shape, config["stall"]) for name, shape in config["shapes"].items()]
    for task in [cocotb.start_soon(unit.run(config["streams"])) for unit in units]:
        await with_timeout(task, TIMEOUT, "ns")


@cocotb.test()
async def ahead(dut):
    """Streams are asked for while nobody takes any rows."""
    Clock(dut.clk, 10, unit="ns").start()
    await reset(dut)
    units = [Unit(dut, name, shape, 0) for name, shape in bench_config()["shapes"].items()]
    for unit in units:
        unit.streams.put(64 // unit.beat << 32 | 64 * i for i in range(4))
    await ClockCycles(dut.clk, 40)
    for unit in units:
        assert len(unit.asked) == 4
