"""cocotb tests of the models of ECP5 cells (see test_ecp5_cells)."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from pointwise.sim.bench import bench_config

BYTES, BYTE = 2048, 9


class Memory:
    """The bits of one block RAM, and the places that a port sees under an address."""

    def __init__(self):
        first = bench_config()["first"]
        self.bits = [first >> i & 1 if i < 2 * BYTE else 0 for i in range(BYTES * BYTE)]

    @staticmethod
    def places(width, address):
        """The bits of the word, lowest first, each with the number of its byte in the word."""
        if width < BYTE:
            at = BYTE * (address >> 3) + (address & 7) // width * width
            return [(at + i, 0) for i in range(width)]
        parts = width // BYTE
        at = width * (address >> 2 + parts.bit_length())
        return [(at + i, i // BYTE) for i in range(width)]

    def read(self, width, address):
        return sum(self.bits[at] << i for i, (at, _) in enumerate(self.places(width, address)))

    def write(self, width, address, data):
        for i, (at, part) in enumerate(self.places(width, address)):
            if width <= BYTE or address >> part & 1:
                self.bits[at] = data >> i & 1


@cocotb.test()
async def block_rams(dut):
    """Words of all widths, with the enables of their bytes, against a list of bits."""
    Clock(dut.clk, 10, unit="ns").start()
    widths = bench_config()["widths"]
    memories = [Memory() for _ in widths]
    shown = [0] * len(widths)
    for _ in range(4000):
        await FallingEdge(dut.clk)
        values = {name: random.getrandbits(18) for name in ("dia", "dib")}
        # Few addresses, so that what is written is read.
        values |= {
            name: random.choice((0, 0x1F80, 0x3F80)) | random.getrandbits(7) for name in ("ada", "adb")
        }
        values |= {name: random.getrandbits(1) for name in ("wea", "cea", "ceb")}
        for name, value in values.items():
            getattr(dut, name).value = value
        await RisingEdge(dut.clk)
        for index, (write, read) in enumerate(widths):
            memory = memories[index]
            if values["ceb"]:
                shown[index] = memory.read(read, values["adb"])
            if values["cea"] and values["wea"]:
                memory.write(write, values["ada"], values["dib"] << 18 | values["dia"])
        await ReadOnly()
        for index, (_, read) in enumerate(widths):
            low, high = (int(getattr(dut, f"do{port}{index}").value) for port in "ab")
            got = high << 18 | low if read == 36 else high
            assert got == shown[index], (widths[index], hex(got), hex(shown[index]))


@cocotb.test()
async def multiplier(dut):
    """Signed and unsigned factors of 18 bits, the extremes among them; the product at once, and held."""
    Clock(dut.clk, 10, unit="ns").start()
    held = None
    for _ in range(500):
        await FallingEdge(dut.clk)
        factors = [random.choice((0, 1, 0x1FFFF, 0x20000, 0x3FFFF, random.getrandbits(18))) for _ in "ab"]
        signs = [random.getrandbits(1) for _ in "ab"]
        enable, reset = random.getrandbits(1), random.random() < 0.2
        dut.dia.value, dut.dib.value = factors
        dut.signed_a.value, dut.signed_b.value = signs
        dut.cea.value, dut.wea.value = enable, reset
        await ReadOnly()
        pairs = zip(factors, signs, strict=True)
        a, b = (factor - (1 << 18) if sign and factor >> 17 else factor for factor, sign in pairs)
        assert int(dut.product.value) == a * b & (1 << 36) - 1
        await RisingEdge(dut.clk)
        if reset or enable:
            held = 0 if reset else a * b & (1 << 36) - 1
        await ReadOnly()
        assert held is None or int(dut.held.value) == held
