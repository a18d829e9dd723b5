"""cocotb tests, some of which are to fail, on a counter (see test_bench)."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer

from pointwise.sim.bench import bench_config


@cocotb.test()
async def counts(dut):
    Clock(dut.clk, 10, unit="ns").start()
    dut.step.value = bench_config()["step"]
    await ClockCycles(dut.clk, 11)
    assert int(dut.count.value) == 10 * bench_config()["step"]


@cocotb.test()
async def fails(dut):
    assert int(dut.count.value) == 77, "the count is not what this test wants"


@cocotb.test()
async def hangs(dut):
    Clock(dut.clk, 10, unit="ns").start()
    while True:
        await RisingEdge(dut.clk)


@cocotb.test()
async def dies(dut):
    os._exit(3)


@cocotb.test()
async def surroundings(dut):
    """Tells the test outside what the one inside was given."""
    await Timer(1, unit="ns")  # the design's initial blocks run after the tests have been started
    print("inside:", bench_config(), os.environ["A_VARIABLE"], random.getrandbits(32), flush=True)


@cocotb.test()
async def looks_inside(dut):
    assert int(dut.hidden.value) == 0
