"""cocotb tests of Control's registers: constants, strobes, channels in any order."""

import random

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from control_environment import WRITABLE, Bench

from pointwise.hw.contract.image import MAGIC, VERSION, shape_word
from pointwise.hw.contract.registers import WATCHDOG_DEFAULT, Register

TIMEOUT = 10_000_000


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
            data &= ~5  # neither start nor clear
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
