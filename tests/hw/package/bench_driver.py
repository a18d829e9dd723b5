"""cocotb test: the C driver runs the core; its register accesses become those of a bus functional model."""

import json
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from driver import BUSY, TIMEOUT, UNALIGNED, Driver

from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import WATCHDOG_DEFAULT, Cause, Error, Register
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import AxiLiteMaster, reset

POLLS = 100_000
PERIOD_NS = 10


class Board:
    """The core with its memory, and the driver in a thread of its own.

    The window checker learns of windows when a run is started, as the core does.
    """

    def __init__(self, dut, plan):
        self.dut, self.plan = dut, plan
        self.bus = AxiLiteMaster(dut)
        self.written = {}
        self.driver = Driver(Path(plan["library"]), resume(self.bus.read), resume(self.write))
        dut.load.value = dut.dump.value = dut.windows.value = 0

    async def write(self, address, value):
        self.written[address] = value
        if address == Register.CONTROL:
            self.dut.windows.value = sum(
                (
                    self.written[Register[f"{base.name}_BYTES"]] << 32
                    | self.written[Register[f"{base.name}_BASE"]]
                )
                << 64 * base
                for base in Base
            )
        await self.bus.write(address, value)

    async def call(self, name, *arguments):
        """A function of the driver, as it is called from software."""
        return await bridge(getattr(self.driver, name))(*arguments)

    async def windows(self, **others):
        """Give all three windows; ``others`` are (base, bytes) in place of those planned."""
        for base in Base:
            place = others.get(base.name, self.plan["windows"][base])
            assert await self.call("set_window", base, *place) == 0


async def begin(dut) -> Board:
    board = Board(dut, bench_config())
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    await reset(dut)
    assert await board.call("open") == 0
    return board


@cocotb.test()
async def registers(dut):
    """Every bit of every register has the access and the reset value that header and SystemRDL say."""
    board = await begin(dut)
    for name, (address, value, _) in board.plan["registers"].items():
        assert await board.bus.read(address) == value, name
    for name, (address, value, writable) in board.plan["registers"].items():
        if address in (Register.CONTROL, Register.INTERRUPT):
            continue
        await board.bus.write(address, 0xFFFFFFFF)
        assert await board.bus.read(address) == (value & ~writable | writable), name
        await board.bus.write(address, 0)
        assert await board.bus.read(address) == value & ~writable, name
    core = await board.call("describe")
    assert {name: getattr(core, name) for name, _ in core._fields_} == board.plan["core"]


@cocotb.test()
async def runs(dut):
    """Polled and with an interrupt; the output is dumped at the end, for the test to compare."""
    board = await begin(dut)
    driver = board.driver
    assert await board.call("set_window", Base.INPUT, 64, 64) == UNALIGNED
    await board.windows()
    assert await board.call("status") == BUSY
    assert await board.call("start") == 0
    assert await board.call("start") == BUSY
    assert await board.call("clear") == BUSY
    assert await board.call("wait", 3) == TIMEOUT
    assert await board.call("wait", POLLS) == 0
    assert int(dut.irq.value) == 0
    first = await board.call("report")
    assert (first.status, sum(first.causes)) == (0, first.cycles) and first.check_cycles > 0
    assert first.causes[Cause.STREAM] > 0

    # The interrupt of the run that was polled for does not come late.
    assert await board.call("clear", True) == 0
    assert int(dut.irq.value) == 0
    await with_timeout(RisingEdge(dut.irq), POLLS * PERIOD_NS, "ns")
    assert await board.call("interrupt") is True
    assert int(dut.irq.value) == 0
    assert await board.call("interrupt") is False
    assert await board.call("status") == 0

    base, size = board.plan["windows"][Base.OUTPUT]
    await board.windows(OUTPUT=(base, size))
    assert await board.call("start", True) == 0
    await with_timeout(RisingEdge(dut.irq), POLLS * PERIOD_NS, "ns")
    assert await board.call("interrupt") is True
    second = await board.call("report")
    assert (second.status, second.cycles) == (0, first.cycles)

    dut.dump_base.value, dut.dump_bytes.value = base, size
    dut.dump.value = 1
    await ClockCycles(dut.clk, 3)
    told = [driver.text(code) for code in (*Error, BUSY, TIMEOUT, UNALIGNED)]
    Path(board.plan["notes"]).write_text(json.dumps(told))


@cocotb.test()
async def errors(dut):
    """A damaged image, a window too small, a watchdog too impatient; then all is well."""
    board = await begin(dut)
    await board.windows(IMAGE=board.plan["damaged"])
    assert await board.call("start") == 0
    assert await board.call("wait", POLLS) == Error.CHECKSUM

    base, size = board.plan["windows"][Base.OUTPUT]
    await board.windows(OUTPUT=(base, 1))
    assert await board.call("start", True) == 0
    await with_timeout(RisingEdge(dut.irq), POLLS * PERIOD_NS, "ns")
    assert await board.call("interrupt") is True
    report = await board.call("report")
    assert report.status == Error.WINDOW and base <= report.address < base + size
    assert report.instruction > 0

    await board.windows()
    await board.call("set_watchdog", 5)
    assert await board.call("start") == 0
    assert await board.call("wait", POLLS) == Error.WATCHDOG
    await board.call("set_watchdog", WATCHDOG_DEFAULT)
    assert await board.call("start") == 0
    assert await board.call("wait", POLLS) == 0
