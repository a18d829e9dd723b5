"""cocotb tests of Control: its registers, and the course of runs with all around it played in Python."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, with_timeout

from hw.contract.config import CoreConfig
from hw.contract.image import MAGIC, VERSION, shape_word
from hw.contract.registers import WATCHDOG_DEFAULT, Cause, Error, Register
from sim.bench import bench_config
from sim.drivers import AxiLiteMaster, reset

BUSY, DONE, FAILED = 1, 2, 4
INPUTS = ("progress", "check_done", "ended", "read_error", "write_error", "check_error", "program_error")
INPUTS += ("instruction", "read_address", "write_address", "cause")
WRITABLE = {
    Register.IMAGE_BASE: 0xFFFFF000,
    Register.IMAGE_BYTES: 0xFFFFFFFF,
    Register.INPUT_BASE: 0xFFFFF000,
    Register.OUTPUT_BASE: 0xFFFFF000,
    Register.WATCHDOG: 0xFFFFFFFF,
}
TIMEOUT = 10_000_000


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

    async def running(self):
        """Starts and comes as far as the program."""
        await self.go()
        await self.check()
        await self.until("program_start")

    async def finished(self):
        status = 1
        while status & BUSY:
            status = await self.reads(Register.STATUS)
        return status


@cocotb.test()
async def constants(dut):
    """What the registers say of this core, and zero everywhere else."""
    bench = await Bench.start(dut)
    config = bench.config
    expected = dict.fromkeys(range(0, 256, 4), 0) | {
        Register.MAGIC: MAGIC,
        Register.VERSION: VERSION,
        Register.SHAPE: shape_word(config),
        Register.MAX_TOKENS: config.max_tokens,
        Register.ACT_WORDS: config.act_words,
        Register.RES_WORDS: config.res_words,
        Register.WATCHDOG: WATCHDOG_DEFAULT,
    }
    for address, value in expected.items():
        assert await bench.reads(address) == value, hex(address)
    for address in set(expected) - set(WRITABLE) - {Register.CONTROL}:
        await bench.bus.write(address, 0xFFFFFFFF)
    for address, value in expected.items():
        assert await bench.reads(address) == value, hex(address)


@cocotb.test()
async def strobes(dut):
    """Bytes are written as WSTRB says; bases are kept to multiples of 4096."""
    bench = await Bench.start(dut)
    held = dict.fromkeys(WRITABLE, 0) | {Register.WATCHDOG: WATCHDOG_DEFAULT, Register.CONTROL: 0}
    for _ in range(150):
        register = random.choice(list(held))
        data, strobe = random.getrandbits(32), random.getrandbits(4)
        if register == Register.CONTROL:
            data &= ~1
            held[register] = data & 2 if strobe & 1 else held[register]
        else:
            bits = sum(0xFF << 8 * i for i in range(4) if strobe >> i & 1)
            held[register] = held[register] & ~bits | data & bits & WRITABLE[register]
        await bench.bus.write(register, data, strobe=strobe)
        for other in (register, random.choice(list(held))):
            assert await bench.reads(other) == held[other]


@cocotb.test()
async def skew(dut):
    """Address before data, data before address, late BREADY and RREADY, reads beside writes."""
    bench = await Bench.start(dut)
    held = dict.fromkeys((Register.IMAGE_BYTES, Register.WATCHDOG), 0)
    for register in held:
        await bench.bus.write(register, 0)

    async def channel(name, wait, **values):
        await ClockCycles(dut.clk, wait) if wait else None
        for port, value in values.items():
            getattr(dut, f"s_axil_{port}").value = value
        getattr(dut, f"s_axil_{name}valid").value = 1
        await RisingEdge(dut.clk)
        while not int(getattr(dut, f"s_axil_{name}ready").value):
            await RisingEdge(dut.clk)
        getattr(dut, f"s_axil_{name}valid").value = 0

    async def response(name, wait):
        for _ in range(wait):
            await RisingEdge(dut.clk)
        getattr(dut, f"s_axil_{name}ready").value = 1
        await RisingEdge(dut.clk)
        while not int(getattr(dut, f"s_axil_{name}valid").value):
            await RisingEdge(dut.clk)
        getattr(dut, f"s_axil_{name}ready").value = 0
        return int(dut.s_axil_rdata.value)

    async def both(first, second):
        tasks = [cocotb.start_soon(first), cocotb.start_soon(second)]
        return [await with_timeout(task, TIMEOUT, "ns") for task in tasks]

    async def write(register, data):
        address = channel("aw", random.randrange(6), awaddr=register)
        words = channel("w", random.randrange(6), wdata=data, wstrb=15)
        await both(both(address, words), response("b", random.randrange(12)))

    async def read(register):
        return (await both(channel("ar", 0, araddr=register), response("r", random.randrange(8))))[1]

    for _ in range(60):
        target, other = random.sample(list(held), 2)
        data = random.getrandbits(32)
        (_, got) = await both(write(target, data), read(other))
        held[target] = data
        assert got == held[other]
        assert await read(target) == data


@cocotb.test()
async def good_runs(dut):
    """Check, run, done, counters, interrupt; the image is trusted until its registers are written."""
    bench = await Bench.start(dut)
    checked = False
    bases = {}
    for number in range(8):
        if number in (0, 3, 5):
            some = {0: WRITABLE, 3: [Register.IMAGE_BASE], 5: [Register.IMAGE_BYTES]}[number]
            for register in some:
                bases[register] = random.getrandbits(31) & WRITABLE[register] | 0x100000
                await bench.bus.write(register, bases[register])
            checked = False
        enable = number % 2
        await bench.go(enable)
        await ClockCycles(dut.clk, 1)
        for register, port in ((Register.IMAGE_BASE, dut.image_base), (Register.INPUT_BASE, dut.input_base)):
            assert int(port.value) == bases[register] & bench.address_mask
        assert int(dut.output_base.value) == bases[Register.OUTPUT_BASE] & bench.address_mask
        assert int(dut.image_bytes.value) == bases[Register.IMAGE_BYTES]
        # The write's answer may come after the pulse of check_start, so that is watched for elsewhere.
        assert int(dut.checked.value) == checked
        waiting = random.randrange(3, 30)
        await ClockCycles(dut.clk, waiting)
        assert await bench.reads(Register.STATUS) == BUSY
        if number == 6:
            # Another image, during the check of this one: the next start checks it.
            bases[Register.IMAGE_BASE] = 0x9000
            await bench.bus.write(Register.IMAGE_BASE, 0x9000)
        await bench.pulse("check_done")
        counts = [0] * len(Cause)
        await bench.until("running", limit=3)
        # `until` returns one edge after it saw the value: that cycle has been counted under cause 0 already.
        counts[0] += 1
        for _ in range(random.randrange(5, 300)):
            cause = random.choice((*Cause, 7))
            dut.cause.value = cause
            await RisingEdge(dut.clk)
            counts[min(cause, Cause.IDLE)] += 1
        if number == 4:
            # Prepared during the run: it counts for the next one.
            dut.cause.value = Cause.TILE
            bases[Register.IMAGE_BASE] = 0x7000
            task = cocotb.start_soon(bench.bus.write(Register.IMAGE_BASE, 0x7000))
            while not task.done():
                await RisingEdge(dut.clk)
                counts[Cause.TILE] += 1
            assert int(dut.image_base.value) != 0x7000
            dut.cause.value = Cause.IDLE
        # A program that has ended, as it was in the cycle before, still waits for the bus.
        dut.idle.value, dut.cause.value = 0, Cause.IDLE
        await ClockCycles(dut.clk, 1)
        dut.ended.value = 1
        await ClockCycles(dut.clk, 3)
        assert int(dut.running.value)
        dut.idle.value = 1
        await ClockCycles(dut.clk, 2)
        counts[Cause.IDLE] += 6
        dut.ended.value = dut.cause.value = 0
        await ClockCycles(dut.clk, 2)
        assert not int(dut.running.value) and int(dut.clear.value)
        assert int(dut.irq.value) == enable
        assert await bench.reads(Register.STATUS) == DONE
        assert [await bench.reads(Register.CAUSES + 4 * i) for i in range(len(Cause))] == counts
        assert await bench.reads(Register.CYCLES) == sum(counts)
        spent = await bench.reads(Register.CHECK_CYCLES)
        assert spent == 0 if checked else waiting <= spent <= waiting + 30
        assert await bench.reads(Register.INTERRUPT) == 1
        await bench.bus.write(Register.INTERRUPT, 0)
        assert await bench.reads(Register.INTERRUPT) == 1
        await bench.bus.write(Register.INTERRUPT, 1)
        assert await bench.reads(Register.INTERRUPT) == 0 and not int(dut.irq.value)
        for register in (Register.ERROR_ADDRESS, Register.ERROR_INSTRUCTION):
            assert await bench.reads(register) == 0
        checked = number not in (4, 6)


@cocotb.test()
async def starts(dut):
    """A start waits for idle buses, starts each thing once, and another start while busy does nothing."""
    bench = await Bench.start(dut)
    pulses = {"check_start": 0, "program_start": 0}

    async def watch():
        while True:
            await RisingEdge(dut.clk)
            for name in pulses:
                pulses[name] += int(getattr(dut, name).value)
                # All is out of reset in the cycle of the pulse.
                assert not (int(getattr(dut, name).value) and int(dut.clear.value))

    cocotb.start_soon(watch())
    dut.idle.value = 0
    await bench.go()
    await ClockCycles(dut.clk, 20)
    assert int(dut.clear.value) and pulses == {"check_start": 0, "program_start": 0}
    dut.idle.value = 1
    await ClockCycles(dut.clk, 5)
    assert pulses == {"check_start": 1, "program_start": 0}
    await bench.go()
    await bench.pulse("check_done")
    await ClockCycles(dut.clk, 5)
    await bench.go()
    assert pulses == {"check_start": 1, "program_start": 1}
    dut.ended.value = 1
    assert await bench.finished() == DONE
    await ClockCycles(dut.clk, 20)
    assert pulses == {"check_start": 1, "program_start": 1}


@cocotb.test()
async def errors(dut):
    """Every error stops the engines at once, waits for the buses, and is told; then a run works."""
    bench = await Bench.start(dut)
    await bench.bus.write(Register.CONTROL, 2)
    cases = [("check", error) for error in list(Error)[1:7]]
    cases += [("program", error) for error in (Error.OPCODE, Error.OPERAND, Error.PROGRAM)]
    cases += [(bus, phase) for bus in ("read", "write") for phase in ("check", "run")]
    for kind, what in cases:
        address, instruction = random.getrandbits(bench.config.axi_addr_width), random.getrandbits(32)
        dut.instruction.value = instruction
        dut.read_address.value = dut.write_address.value = random.getrandbits(bench.config.axi_addr_width)
        expected_address = 0
        if kind == "check":
            # The check is played beside the access that starts it.
            task = cocotb.start_soon(bench.check(what))
            await bench.go(1)
            await bench.until("clear", 0)
            dut.idle.value = 0
            await task
            expected = what
        else:
            check = cocotb.start_soon(bench.until("check_start"))
            await bench.go(1)
            await check
            if what != "check":
                await bench.pulse("check_done")
                await bench.until("running", limit=3)
            dut.idle.value = 0
            if kind == "program":
                dut.program_error.value = expected = what
            else:
                getattr(dut, f"{kind}_address").value = address
                getattr(dut, f"{kind}_error").value = 1
                expected = Error.BUS_READ if kind == "read" else Error.BUS_WRITE
                expected_address = address & 0xFFFFFFFF
        await ClockCycles(dut.clk, 3)
        assert int(dut.clear.value)
        for name in set(INPUTS) - {"progress", "ended", "cause"}:
            getattr(dut, name).value = 0
        await ClockCycles(dut.clk, 20)
        assert await bench.reads(Register.STATUS) & BUSY and not int(dut.irq.value)
        dut.idle.value = 1
        assert await bench.finished() == FAILED | expected << 8, (kind, what)
        assert int(dut.irq.value)
        assert await bench.reads(Register.ERROR_ADDRESS) == expected_address
        assert await bench.reads(Register.ERROR_INSTRUCTION) == instruction
        assert not int(dut.checked.value)
        await bench.bus.write(Register.INTERRUPT, 1)
        if kind != "check":
            await bench.bus.write(Register.IMAGE_BYTES, 0)  # forget what a good check has left
    check = cocotb.start_soon(bench.check())
    await bench.go()
    assert await bench.reads(Register.STATUS) & ~BUSY == 0
    await check
    dut.ended.value = 1
    assert await bench.finished() == DONE


@cocotb.test()
async def late_bursts(dut):
    """A burst that begins as ``clear`` rises is awaited, though the masters tell of it some cycles later."""
    bench = await Bench.start(dut)
    for late in range(3):
        await bench.go()
        await bench.until("clear", 0)
        await bench.pulse("read_error")
        await bench.until("clear")
        await ClockCycles(dut.clk, late)
        dut.idle.value = 0
        await ClockCycles(dut.clk, 20)
        assert await bench.reads(Register.STATUS) & BUSY, late
        dut.idle.value = 1
        assert await bench.finished() == FAILED | Error.BUS_READ << 8


@cocotb.test()
async def watchdog(dut):
    """It bites where nothing moves, in every state, is fed by progress, and can be turned off."""
    bench = await Bench.start(dut)
    failed = FAILED | Error.WATCHDOG << 8
    limit = 60
    await bench.bus.write(Register.WATCHDOG, limit)

    async def bites(low, high):
        cycles = 0
        while int(dut.clear.value) == 0:
            await RisingEdge(dut.clk)
            cycles += 1
            assert cycles <= high
        assert cycles >= low, cycles
        return await bench.finished()

    # The buses never rest at the start.
    dut.idle.value = 0
    await bench.go()
    assert await bench.finished() == failed
    # The check does not end; the buses are idle after that, or never.
    for idle in (1, 0):
        dut.idle.value = 1
        await bench.go()
        await bench.until("clear", 0)
        dut.idle.value = idle
        assert await bites(limit - 10, limit + 5) == failed
    # In the run, with progress up to some point.
    dut.idle.value = 1
    check = cocotb.start_soon(bench.check())
    await bench.go()
    await check
    for _ in range(10):
        await ClockCycles(dut.clk, limit - 10)
        assert not int(dut.clear.value)
        await bench.pulse("progress")
    assert await bites(limit - 2, limit + 5) == failed
    await bench.go()
    await bench.until("clear", 0)
    dut.idle.value = 0
    # The first error stays, however long the buses take.
    await bench.pulse("read_error")
    assert await bench.finished() == FAILED | Error.BUS_READ << 8
    # Off.
    dut.idle.value = 1
    await bench.bus.write(Register.WATCHDOG, 0)
    await bench.go()
    await ClockCycles(dut.clk, 20 * limit)
    assert not int(dut.clear.value)
