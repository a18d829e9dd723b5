"""cocotb test: waits for the files to be read, and asks for the count (see test_export)."""

import cocotb
from cocotb.triggers import Timer

from pointwise.sim.bench import bench_config


@cocotb.test()
async def readings_are_equal(dut):
    await Timer(1, unit="ns")
    assert int(dut.words.value) == bench_config()["words"]
    assert int(dut.differences.value) == bench_config()["differences"]
