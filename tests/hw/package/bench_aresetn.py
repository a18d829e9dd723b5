"""cocotb test: the wrapper's reset is active low, and its buses are those of the core."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from pointwise.hw.contract.image import MAGIC
from pointwise.hw.contract.registers import WATCHDOG_DEFAULT, Register
from pointwise.sim.drivers import AxiLiteMaster


@cocotb.test()
async def resets(dut):
    Clock(dut.aclk, 10, unit="ns").start()
    bus = AxiLiteMaster(dut, clock=dut.aclk)
    dut.aresetn.value = 0
    await ClockCycles(dut.aclk, 3)
    dut.aresetn.value = 1
    await ClockCycles(dut.aclk, 2)
    assert await bus.read(Register.MAGIC) == MAGIC
    await bus.write(Register.WATCHDOG, 77)
    assert await bus.read(Register.WATCHDOG) == 77
    dut.aresetn.value = 0
    await ClockCycles(dut.aclk, 1)
    dut.aresetn.value = 1
    await ClockCycles(dut.aclk, 2)
    assert await bus.read(Register.WATCHDOG) == WATCHDOG_DEFAULT
