"""cocotb tests of Control: the course of runs, with all around it played in Python."""

import random

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from control_environment import BUSY, DONE, FAILED, INPUTS, WRITABLE, Bench

from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import Cause, Error, Register


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
        for base in Base:
            first = bases[Register[f"{base.name}_BASE"]]
            assert bench.window(base)[0] == first & bench.address_mask
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
            assert bench.window(Base.IMAGE)[0] != 0x7000
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
    cases += [(bus, phase) for bus in ("read", "write") for phase in ("check", "run", "refused")]
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
                if what == "refused":
                    getattr(dut, f"{kind}_refused").value = 1
                    expected = Error.WINDOW
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
async def clears(dut):
    """A clear checks and starts nothing, needs no progress, and ends as a run does."""
    bench = await Bench.start(dut)
    await bench.bus.write(Register.WATCHDOG, 50)
    checked = 0
    for bits in (4, 5, 6, 7):
        pulses = {"check_start": 0, "program_start": 0, "sweep": 0}

        async def watch(pulses=pulses):
            while True:
                await RisingEdge(dut.clk)
                for name in pulses:
                    pulses[name] += int(getattr(dut, name).value)
                if int(dut.sweep.value):
                    assert int(dut.zero.value) and not int(dut.clear.value)

        task = cocotb.start_soon(watch())
        await bench.bus.write(Register.CONTROL, bits)
        await bench.bus.write(Register.CONTROL, 1 | bits & 2)  # ignored
        await ClockCycles(dut.clk, random.randrange(100, 200))
        assert await bench.reads(Register.STATUS) == BUSY
        assert pulses == {"check_start": 0, "program_start": 0, "sweep": 1} and int(dut.zero.value)
        dut.cause.value = Cause.IDLE
        await bench.pulse("swept")
        assert await bench.finished() == DONE
        assert not int(dut.zero.value) and int(dut.clear.value)
        assert int(dut.irq.value) == bits >> 1 & 1
        assert await bench.reads(Register.CYCLES) > 100
        assert await bench.reads(Register.CHECK_CYCLES) == 0
        task.cancel()
        await bench.bus.write(Register.INTERRUPT, 1)
        # A run follows, of which the image is checked once.
        check = cocotb.start_soon(bench.check())
        await bench.go()
        await check
        assert int(dut.checked.value) == checked
        checked = 1
        dut.ended.value = 1
        assert await bench.finished() == DONE
        dut.ended.value = 0


@cocotb.test()
async def windows(dut):
    """Each stands from before ``clear`` falls to the end of the run, and is empty if it leaves the memory."""
    bench = await Bench.start(dut)
    top = 1 << min(bench.config.axi_addr_width, 32)
    some = [(random.randrange(top) & -4096, random.randrange(top)) for _ in range(12)]
    edges = [(top - 4096, size) for size in (0, 1, 4095, 4096, 4097, 8192)]
    edges += [(0, min(top, 0xFFFFFFFF)), (0, 0xFFFFFFFF), (0xFFFFF000, 0xFFFFFFFF), (0xFFFFF000, 1)]
    for _ in range(12):
        wanted = {base: random.choice(some + edges) for base in Base}
        for base, (first, size) in wanted.items():
            await bench.bus.write(Register[f"{base.name}_BASE"], first)
            await bench.bus.write(Register[f"{base.name}_BYTES"], size)
        task = cocotb.start_soon(bench.go())
        await bench.until("clear", 0)
        expected = {
            base: (first & bench.address_mask, size if first + size <= top else 0)
            for base, (first, size) in wanted.items()
        }
        for register in WRITABLE:
            await bench.bus.write(register, random.getrandbits(31) | 1)
        assert {base: bench.window(base) for base in Base} == expected
        await task
        await bench.pulse("read_error")
        await bench.finished()


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
