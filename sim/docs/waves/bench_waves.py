"""cocotb test: a run that ends well and one that does not; every port in every cycle goes to a file."""

import json
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout

from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import Register
from pointwise.sim.bench import bench_config
from pointwise.sim.docs.waves.memory import Memory
from pointwise.sim.drivers import AxiLiteMaster, reset

PERIOD_NS = 10
LIMIT = 20_000
"""Cycles of a run, at most."""


@cocotb.test()
async def record(dut: Any) -> None:
    plan = bench_config()
    samples: dict[str, list[int | None]] = {name: [] for name in plan["ports"]}

    async def watch() -> None:
        edge = RisingEdge(dut.clk)
        while True:
            await edge
            for name, seen in samples.items():
                value = getattr(dut, name).value
                seen.append(int(value) if value.is_resolvable else None)

    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    memory = Memory(dut, bytearray(Path(plan["memory"]).read_bytes()), plan["latency"])
    bus = AxiLiteMaster(dut)
    cocotb.start_soon(watch())
    await reset(dut)
    for base, (first, size) in zip(Base, plan["windows"], strict=True):
        await bus.write(Register[f"{base.name}_BASE"], first)
        await bus.write(Register[f"{base.name}_BYTES"], size)
    begins = []
    for bad in ((0, 0), plan["bad"]):
        memory.bad = range(*bad)
        await ClockCycles(dut.clk, 20)
        begins.append(len(samples["irq"]))
        await bus.write(Register.CONTROL, 3)
        await with_timeout(RisingEdge(dut.irq), LIMIT * PERIOD_NS, "ns")
        await bus.read(Register.STATUS)
        await bus.write(Register.INTERRUPT, 1)
        await ClockCycles(dut.clk, 4)
    notes = {"samples": samples, "begins": begins, "memory": memory.data.hex()}
    Path(plan["notes"]).write_text(json.dumps(notes))
