"""cocotb test: waits until the example is done, and reads the output block (see test_example)."""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout

from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import reset


@cocotb.test()
async def runs(dut):
    plan = bench_config()
    dut.result_word.value = 0
    Clock(dut.clk, 10, unit="ns").start()
    await reset(dut)
    await with_timeout(RisingEdge(dut.done), plan["cycles"] * 10, "ns")
    beats = []
    for word in range(plan["beats"]):
        dut.result_word.value = word
        await ClockCycles(dut.clk, 3)
        beats.append(int(dut.result.value))
    seen = {"failed": int(dut.failed.value), "code": int(dut.code.value), "beats": beats}
    Path(plan["notes"]).write_text(json.dumps(seen))
