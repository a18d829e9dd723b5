"""The cocotb side of a run: start the core on each input through its registers, and note what it says."""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout

from hw.contract.registers import Cause, Register
from sim.bench import bench_config
from sim.drivers import AxiLiteMaster, reset

PERIOD_NS = 10
FAILED = 4


@cocotb.test()
async def run_core(dut) -> None:
    """Writes, for each input, the registers after the run to ``results``, then dumps the outputs."""
    plan = bench_config()
    dut.load.value = 0
    dut.dump.value = 0
    registers = AxiLiteMaster(dut)
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    await reset(dut)
    await registers.write(Register.WATCHDOG, plan["watchdog"])
    await registers.write(Register.IMAGE_BASE, plan["image_base"])
    await registers.write(Register.IMAGE_BYTES, plan["image_bytes"])
    results = []
    for index in range(plan["count"]):
        await registers.write(Register.INPUT_BASE, plan["input_base"] + index * plan["input_stride"])
        await registers.write(Register.OUTPUT_BASE, plan["output_base"] + index * plan["output_stride"])
        await registers.write(Register.CONTROL, 3)
        try:
            await with_timeout(RisingEdge(dut.irq), plan["timeout_cycles"] * PERIOD_NS, "ns")
        except SimTimeoutError:
            raise AssertionError(
                f"input {index}: no interrupt after {plan['timeout_cycles']} cycles, "
                f"status {await registers.read(Register.STATUS):#x}"
            ) from None
        names = ("STATUS", "CYCLES", "CHECK_CYCLES", "ERROR_ADDRESS", "ERROR_INSTRUCTION")
        seen = {name: await registers.read(Register[name]) for name in names}
        seen["causes"] = [await registers.read(Register.CAUSES + 4 * cause) for cause in Cause]
        results.append(seen)
        await registers.write(Register.INTERRUPT, 1)
        Path(plan["results"]).write_text(json.dumps(results))
        if seen["STATUS"] & FAILED and not plan["after_error"]:
            break
    dut.dump_base.value = plan["output_base"]
    dut.dump_bytes.value = plan["count"] * plan["output_stride"]
    dut.dump.value = 1
    await ClockCycles(dut.clk, 3)
