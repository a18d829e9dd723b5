"""cocotb tests of the drivers on a FIFO with streams and on AXI4-Lite registers (see test_drivers)."""

import random

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout
from cocotb.utils import get_sim_time

from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import AxiLiteMaster, BusError, StreamSink, StreamSource, reset

PERIOD = 10


async def started(dut):
    Clock(dut.clk, PERIOD, unit="ns").start()
    await reset(dut)


@cocotb.test()
async def fifo(dut):
    """Every word comes out once and in order, whatever stalls."""
    config = bench_config()
    source = StreamSource(dut, "i", stall=config["source_stall"])
    sink = StreamSink(dut, "o", stall=config["sink_stall"])
    await started(dut)
    count, width = config["words"], len(dut.i_payload)
    words = [random.getrandbits(width) for _ in range(count)]
    began = get_sim_time("ns")
    await source.send(words[: count // 2])
    source.put(words[count // 2 :])
    received = await with_timeout(sink.receive(count), count * 200, "ns")
    assert received == words
    await source.drained()
    assert source.sent == count
    cycles = (get_sim_time("ns") - began) / PERIOD
    stall = max(config["source_stall"], config["sink_stall"])
    if stall == 0 or config["stalls_off"]:
        assert count <= cycles <= count + 6, cycles
    else:
        assert cycles > count / (1 - stall) * 0.8, cycles


@cocotb.test()
async def negative_words(dut):
    """Negative words go out in two's complement."""
    source, sink = StreamSource(dut, "i"), StreamSink(dut, "o")
    await started(dut)
    source.put([-1, -2, 3])
    top = 1 << len(dut.i_payload)
    assert await sink.receive(3) == [top - 1, top - 2, 3]


@cocotb.test()
async def payload_waits(dut):
    """A word that is shown stays until it is taken: the source keeps the rules it is to test others by."""
    source = StreamSource(dut, "i", stall=0.5)
    await started(dut)
    dut.o_ready.value = 0
    source.put(range(1, 100))
    shown = None
    for cycle in range(300):
        dut.o_ready.value = int(cycle % 7 == 0)
        await RisingEdge(dut.clk)
        now = (int(dut.i_valid.value), int(dut.i_payload.value))
        if shown is not None:
            assert now == shown
        shown = now if now[0] and not int(dut.i_ready.value) else None


@cocotb.test()
async def registers(dut):
    """Words are written and read back, byte strobes work, and bad responses and silence raise."""
    bus = AxiLiteMaster(dut, "s_axil_", timeout=50)
    await started(dut)
    await bus.write(4, 0x12345678)
    await bus.write(0, 0xAABBCCDD)
    await bus.write(4, 0xFFFFFFFF, strobe=0b0100)
    assert await bus.read(0) == 0xAABBCCDD
    assert await bus.read(4) == 0x12FF5678
    assert await bus.poll(4, 0xFF, 0x78, attempts=2) == 0x12FF5678
    with pytest.raises(BusError, match="still reads"):
        await bus.poll(4, 0xFF, 0x79, attempts=3)
    with pytest.raises(BusError, match="answered SLVERR; expected OKAY"):
        await bus.read(8)
    with pytest.raises(BusError, match="answered SLVERR; expected OKAY"):
        await bus.write(8, 1)
    assert await bus.write(8, 1, expect=None) == 2
    assert await bus.write(8, 1, expect=2) == 2
    dut.deaf.value = 1
    with pytest.raises(BusError, match="no response after 50 cycles"):
        await bus.read(0)


@cocotb.test()
async def silent_write(dut):
    """A write that nobody answers raises too."""
    bus = AxiLiteMaster(dut, "s_axil_", timeout=50)
    await started(dut)
    dut.deaf.value = 1
    with pytest.raises(BusError, match=r"no response after 50 cycles on \['aw', 'b', 'w'\]"):
        await bus.write(0, 0)
