"""What surrounds Control: the bus of its registers, and all that it starts and waits for."""

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import Error, Register
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import AxiLiteMaster, reset

BUSY, DONE, FAILED = 1, 2, 4
INPUTS = ("progress", "check_done", "ended", "read_error", "write_error", "check_error", "program_error")
INPUTS += ("instruction", "read_address", "write_address", "cause", "read_refused", "write_refused", "swept")
WRITABLE = {
    Register.IMAGE_BASE: 0xFFFFF000,
    Register.IMAGE_BYTES: 0xFFFFFFFF,
    Register.INPUT_BASE: 0xFFFFF000,
    Register.INPUT_BYTES: 0xFFFFFFFF,
    Register.OUTPUT_BASE: 0xFFFFF000,
    Register.OUTPUT_BYTES: 0xFFFFFFFF,
    Register.WATCHDOG: 0xFFFFFFFF,
}


class Bench:
    """Control, quiet unless a test says otherwise."""

    def __init__(self, dut):
        self.dut = dut
        self.config = CoreConfig(**bench_config())
        self.address_mask = (1 << self.config.axi_addr_width) - 1
        for name in INPUTS:
            getattr(dut, name).value = 0
        dut.idle.value = 1
        self.bus = AxiLiteMaster(dut)

    @classmethod
    async def start(cls, dut):
        bench = cls(dut)
        Clock(dut.clk, 10, unit="ns").start()
        await reset(dut)
        return bench

    def window(self, base):
        """Base and length of a window, as the masters are told."""
        value = int(getattr(self.dut, f"windows_{int(base)}").value)
        return value & self.address_mask, value >> self.config.axi_addr_width

    async def reads(self, register):
        return await self.bus.read(register)

    async def go(self, enable=0):
        await self.bus.write(Register.CONTROL, 1 | enable << 1)

    async def pulse(self, name, value=1):
        """An input for one cycle."""
        getattr(self.dut, name).value = value
        await RisingEdge(self.dut.clk)
        getattr(self.dut, name).value = 0

    async def until(self, name, value=1, limit=1000):
        """Cycles until an output has a value."""
        for cycle in range(limit):
            await ReadOnly()
            now = int(getattr(self.dut, name).value)
            await RisingEdge(self.dut.clk)
            if now == value:
                return cycle
        raise AssertionError(f"{name} did not become {value}")

    async def check(self, error=Error.NONE, cycles=5):
        """Plays the image check."""
        await self.until("check_start")
        await ClockCycles(self.dut.clk, cycles)
        assert not int(self.dut.clear.value)
        self.dut.check_error.value = error
        await self.pulse("check_done")
        self.dut.check_error.value = 0

    async def finished(self):
        status = 1
        while status & BUSY:
            status = await self.reads(Register.STATUS)
        return status
