"""The cocotb side of ``turns``: runs and clears in turn, some of them disturbed, on one core."""

import json
from pathlib import Path

import cocotb
from cocotb.triggers import ClockCycles

from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import Register
from pointwise.sim.bench import bench_config
from pointwise.sim.system.bench_core import BUSY, CLEAR, INTERRUPT, START, Host


@cocotb.test()
async def run_turns(dut) -> None:
    """Writes the registers after each turn to ``results``, then dumps the whole memory."""
    plan = bench_config()
    host = Host(dut, plan["timeout_cycles"])
    await host.start(plan["watchdog"])
    results = []
    for number, turn in enumerate(plan["turns"]):
        if turn["windows"] is None:
            results.append(await host.run(f"clear {number}", CLEAR))
            continue
        for base, (first, size) in zip(Base, turn["windows"], strict=True):
            await host.place(base, first, size)
        await host.begin()
        if turn["after"] is not None:
            await ClockCycles(dut.clk, turn["after"])
        if turn["after"] is not None and turn["how"] == "reset":
            await host.reset(plan["watchdog"])
            results.append(None)
            continue
        if turn["after"] is not None:
            await disturb(host)
        results.append(await host.finish(f"run {number}"))
    Path(plan["results"]).write_text(json.dumps(results))
    await host.dump(0, plan["memory_bytes"])


async def disturb(host: Host) -> None:
    """Ask a busy core for another start, and for a clear; it ignores both."""
    for command in (START, CLEAR):
        assert await host.registers.read(Register.STATUS) & BUSY, "the run ended before it was disturbed"
        await host.registers.write(Register.CONTROL, command | INTERRUPT)
