"""What surrounds reader and writer: sources and sinks on their streams, and what must lie in the memory."""

import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

from pointwise.hw.bus.window import TransferLayout
from pointwise.hw.contract.isa import Base
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSink, StreamSource, reset

CLIENTS = 3


class Bench:
    """The masters with a source or sink on each stream, and the bursts that were seen on AR and AW."""

    def __init__(self, dut, *, stall):
        self.dut, self.config = dut, bench_config()
        self.burst, self.beat = self.config["burst"], self.config["width"] // 8
        self.memory = bytearray(Path(self.config["image"]).read_bytes())
        self.addr_bits = len(dut.araddr)
        self.reads = [StreamSource(dut, f"read{i}", stall=stall) for i in range(CLIENTS)]
        self.data = [StreamSink(dut, f"data{i}", stall=stall) for i in range(CLIENTS)]
        self.writes = StreamSource(dut, "write", stall=stall)
        self.beats = StreamSource(dut, "beats", stall=stall)
        self.ar, self.aw = [], []
        self.windows = dict.fromkeys(Base, (0, len(self.memory)))
        self.place_windows()
        dut.halt.value = 0
        dut.dump.value = 0

    async def start(self):
        Clock(self.dut.clk, 10, unit="ns").start()
        await reset(self.dut)
        cocotb.start_soon(self._watch())

    async def _watch(self):
        while True:
            await RisingEdge(self.dut.clk)
            for seen, prefix in ((self.ar, "ar"), (self.aw, "aw")):
                if int(getattr(self.dut, f"{prefix}_taken").value):
                    burst = (getattr(self.dut, prefix + name) for name in ("addr", "len"))
                    seen.append(tuple(int(port.value) for port in burst))

    def place_windows(self):
        """Tell the masters where the windows lie; between halts they may not change."""
        for base, (first, size) in self.windows.items():
            getattr(self.dut, f"window{int(base)}").value = size << self.addr_bits | first

    def word(self, offset, beats, window=Base.OUTPUT):
        """A transfer as the masters take it; the offset may point inside a beat."""
        fields = {"window": int(window), "offset": offset | random.randrange(self.beat), "beats": beats}
        return TransferLayout().const(fields).as_bits()

    def expected(self, address, beats):
        return [self.held(address + i * self.beat) for i in range(beats)]

    def held(self, address):
        return int.from_bytes(self.memory[address : address + self.beat], "little")

    def place(self, beats):
        return random.randrange(len(self.memory) // self.beat - beats + 1) * self.beat

    def length(self, most=200):
        """Mostly short transfers, some of several bursts."""
        return random.choice((1, 1, 2, 3, self.burst, self.burst + 1, random.randint(1, most)))

    def bursts(self, address, beats):
        """The bursts of a transfer, as (address, length − 1)."""
        found = []
        while beats:
            length = min(beats, self.burst - address // self.beat % self.burst)
            found.append((address, length - 1))
            address, beats = address + length * self.beat, beats - length
        return found

    async def cycles(self, done):
        """Cycles until a coroutine has ended."""
        count = 0
        task = cocotb.start_soon(done)
        while not task.done():
            await RisingEdge(self.dut.clk)
            count += 1
            assert count < 200_000
        return count

    async def until(self, condition, limit=5000):
        for _ in range(limit):
            await ReadOnly()
            if condition():
                return
            await RisingEdge(self.dut.clk)
        raise AssertionError("the condition did not come")

    async def dumped(self):
        """The memory as it is."""
        await RisingEdge(self.dut.clk)
        self.dut.dump_base.value, self.dut.dump_bytes.value = 0, len(self.memory)
        self.dut.dump.value = 1
        for _ in range(3):
            await RisingEdge(self.dut.clk)
        self.dut.dump.value = 0
        await RisingEdge(self.dut.clk)
        return Path(self.config["dump"]).read_bytes()

    async def drain(self):
        """Halt until both masters are idle, then let go."""
        await RisingEdge(self.dut.clk)
        self.dut.halt.value = 1
        await ReadOnly()
        seen = len(self.ar), len(self.aw)
        await RisingEdge(self.dut.clk)
        await self.until(lambda: int(self.dut.read_idle.value) and int(self.dut.write_idle.value))
        assert int(self.dut.bus_idle.value)
        # An address that was on offer must go, and no other may.
        assert len(self.ar) - seen[0] <= 1 and len(self.aw) - seen[1] <= 1
        await RisingEdge(self.dut.clk)
        assert not int(self.dut.read_error.value) and not int(self.dut.write_error.value)
        self.dut.halt.value = 0

    async def read_some(self, client, count):
        """Transfers from the lower half, one after the other."""
        for _ in range(count):
            beats = self.length()
            address = self.place(beats) // 2 // self.beat * self.beat
            self.reads[client].put([self.word(address, beats)])
            assert await self.data[client].receive(beats) == self.expected(address, beats)
