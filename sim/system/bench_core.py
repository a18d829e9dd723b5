"""The cocotb side of a run: start the core on each input through its registers, and note what it says."""

import json
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout

from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import Cause, Register
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import AxiLiteMaster, reset

PERIOD_NS = 10
BUSY, FAILED = 1, 4
"""Bits of STATUS."""
START, INTERRUPT, CLEAR = 1, 2, 4
"""Bits of CONTROL."""


class Host:
    """What software does with the registers of the core in ``core_tb``, the window checker's told with them.

    Args:
        dut: the test bench, just reset. timeout_cycles: after which a run without an interrupt fails.
    """

    def __init__(self, dut: Any, timeout_cycles: int) -> None:
        self.dut, self.timeout = dut, timeout_cycles
        self.registers = AxiLiteMaster(dut)
        self.windows: dict[Base, tuple[int, int]] = dict.fromkeys(Base, (0, 0))
        dut.load.value = dut.dump.value = dut.windows.value = 0

    async def start(self, watchdog: int) -> None:
        """Clock, reset and the watchdog's register."""
        Clock(self.dut.clk, PERIOD_NS, unit="ns").start()
        await self.reset(watchdog)

    async def reset(self, watchdog: int) -> None:
        """Reset core and memory, whatever they are at; the core forgets its registers."""
        await reset(self.dut)
        self.windows = dict.fromkeys(Base, (0, 0))
        await self.registers.write(Register.WATCHDOG, watchdog)

    async def place(self, window: Base, base: int, size: int) -> None:
        """Give the core a window, if it has another one."""
        for register, new, old in zip(("BASE", "BYTES"), (base, size), self.windows[window], strict=True):
            if new != old:
                await self.registers.write(Register[f"{window.name}_{register}"], new)
        self.windows[window] = (base, size)

    async def run(self, what: str, command: int = START) -> dict[str, Any]:
        """Start a run, or a clear, wait for the interrupt, and read what the registers say."""
        await self.begin(command)
        return await self.finish(what)

    async def begin(self, command: int = START) -> None:
        """Start a run, or a clear."""
        self.dut.windows.value = sum(
            (size << 32 | base) << 64 * window for window, (base, size) in self.windows.items()
        )
        await self.registers.write(Register.CONTROL, command | INTERRUPT)

    async def finish(self, what: str) -> dict[str, Any]:
        """Wait for the interrupt, and read what the registers say."""
        try:
            if not int(self.dut.irq.value):
                await with_timeout(RisingEdge(self.dut.irq), self.timeout * PERIOD_NS, "ns")
        except SimTimeoutError:
            raise AssertionError(
                f"{what}: no interrupt after {self.timeout} cycles, "
                f"status {await self.registers.read(Register.STATUS):#x}"
            ) from None
        names = ("STATUS", "CYCLES", "CHECK_CYCLES", "ERROR_ADDRESS", "ERROR_INSTRUCTION")
        seen: dict[str, Any] = {name: await self.registers.read(Register[name]) for name in names}
        seen["causes"] = [await self.registers.read(Register.CAUSES + 4 * cause) for cause in Cause]
        await self.registers.write(Register.INTERRUPT, 1)
        return seen

    async def dump(self, base: int, size: int) -> None:
        """Let the memory write a range of itself to its file."""
        self.dut.dump_base.value, self.dut.dump_bytes.value = base, size
        self.dut.dump.value = 1
        await ClockCycles(self.dut.clk, 3)


@cocotb.test()
async def run_core(dut) -> None:
    """Writes, for each input, the registers after the run to ``results``, then dumps the outputs."""
    plan = bench_config()
    host = Host(dut, plan["timeout_cycles"])
    await host.start(plan["watchdog"])
    await host.place(Base.IMAGE, plan["image_base"], plan["image_bytes"])
    results = []
    for index in range(plan["count"]):
        for window, name in ((Base.INPUT, "input"), (Base.OUTPUT, "output")):
            base = plan[f"{name}_base"] + index * plan[f"{name}_stride"]
            await host.place(window, base, plan[f"{name}_bytes"])
        results.append(await host.run(f"input {index}"))
        Path(plan["results"]).write_text(json.dumps(results))
        if results[-1]["STATUS"] & FAILED and not plan["after_error"]:
            break
    await host.dump(plan["output_base"], plan["count"] * plan["output_stride"])
