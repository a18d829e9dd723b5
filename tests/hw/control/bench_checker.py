"""cocotb tests of ImageChecker against images that ``hw.contract.image`` makes (see test_checker)."""

import random
import struct
import zlib

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout

from pointwise.hw.bus.window import TransferLayout
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import Refused
from pointwise.hw.contract.image import (
    HEADER_BYTES,
    HEADER_WORDS,
    TRAILER_BYTES,
    VERSION,
    Header,
    align,
    check,
    seal,
    shape_word,
)
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.legal import INSTRUCTION_UNITS
from pointwise.hw.contract.registers import Error
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSink, StreamSource, reset

TIMEOUT = 20_000_000


class Bench:
    """One checker, with a memory of one image."""

    def __init__(self, dut, name, shape, stall):
        self.dut, self.name = dut, name
        self.config = CoreConfig(**shape)
        self.beat = self.config.bus_bytes
        self.transfers = StreamSink(dut, f"{name}_transfers", stall=stall)
        self.beats = StreamSource(dut, f"{name}_beats", stall=stall)
        self.memory, self.asked = b"", []
        for port in ("start", "checked", "image_bytes"):
            self.port(port).value = 0
        cocotb.start_soon(self.read())

    def port(self, name):
        return getattr(self.dut, f"{self.name}_{name}")

    def value(self, name):
        return int(self.port(name).value)

    async def read(self):
        while True:
            (word,) = await self.transfers.receive(1)
            transfer = TransferLayout().from_bits(word)
            assert (transfer.window, transfer.offset) == (Base.IMAGE, 0)
            beats = transfer.beats
            self.asked.append(beats * self.beat)
            data = self.memory.ljust(beats * self.beat, b"\xa5")
            places = range(0, beats * self.beat, self.beat)
            self.beats.put(int.from_bytes(data[i : i + self.beat], "little") for i in places)

    def image(self, size):
        """A good image of ``size`` bytes, all random but the header."""
        units = (size - HEADER_BYTES - TRAILER_BYTES) // 64
        length = random.randint(1, units // INSTRUCTION_UNITS)
        first = random.randint(1, units - INSTRUCTION_UNITS * length + 1)
        header = Header(
            shape=shape_word(self.config),
            length=size,
            program_offset=64 * first,
            program_length=length,
            max_tokens=random.choice((0, self.config.max_tokens)),
            act_words=random.choice((0, self.config.act_words)),
            res_words=random.choice((0, self.config.res_words)),
            input_bytes=random.getrandbits(32),
            output_bytes=random.getrandbits(32),
        )
        return header, seal(header.encode() + random.randbytes(size - HEADER_BYTES - TRAILER_BYTES))

    async def check(self, image, *, checked=False, image_bytes=None):
        """The error code; how much was read is in ``asked``."""
        self.memory, self.asked = image, []
        await RisingEdge(self.dut.clk)
        self.port("image_bytes").value = len(image) if image_bytes is None else image_bytes
        self.port("checked").value, self.port("start").value = int(checked), 1
        await RisingEdge(self.dut.clk)
        self.port("start").value = 0
        while True:
            await RisingEdge(self.dut.clk)
            assert self.value("busy")
            if self.value("done"):
                error = self.value("error")
                await RisingEdge(self.dut.clk)
                assert not self.value("busy") and not self.value("done")
                return Error(error)

    def damaged(self, image, **words):
        """The image with other header words and a checksum that fits them."""
        values = list(struct.unpack("<16I", image[:HEADER_BYTES]))
        for name, value in words.items():
            values[HEADER_WORDS.index(name)] = value & 0xFFFFFFFF
        body = struct.pack("<16I", *values) + image[HEADER_BYTES:-TRAILER_BYTES]
        return body + struct.pack("<I", zlib.crc32(body)) + image[4 - TRAILER_BYTES :]


async def with_each(dut, test):
    Clock(dut.clk, 10, unit="ns").start()
    config = bench_config()
    benches = [Bench(dut, name, shape, config["stall"]) for name, shape in config["shapes"].items()]
    await reset(dut)
    for task in [cocotb.start_soon(test(bench)) for bench in benches]:
        await with_timeout(task, TIMEOUT, "ns")


@cocotb.test()
async def good(dut):
    """Images of all sizes pass, the header's fields come out, and a second time only the header is read."""

    async def test(bench):
        for size in (256, 320, *(align(random.randrange(256, 1500)) for _ in range(2))):
            for checked in (False, True):
                header, image = bench.image(size)
                assert await bench.check(image, checked=checked) == Error.NONE
                assert bench.value("program_offset") == header.program_offset
                assert bench.value("program_length") == header.program_length
                assert bench.asked == ([64] if checked else [64, size])

    await with_each(dut, test)


@cocotb.test()
async def bad_headers(dut):
    """Each wrong word has its code, the first in the order of the header, and the image is not read."""

    async def test(bench):
        config, size = bench.config, 512
        header, image = bench.image(size)
        flip = 1 << random.randrange(32)
        last = size // 64 - 1  # the trailer's place
        for error, words in (
            (Error.MAGIC, {"magic": 0x45535750 ^ flip}),
            (Error.MAGIC, {"magic": 0, "version": 9, "max_tokens": 5000}),
            (Error.VERSION, {"version": VERSION ^ flip}),
            (Error.SHAPE, {"shape": header.shape ^ flip}),
            (Error.LENGTH, {"length": size ^ flip}),
            (Error.LENGTH, {"length": 0}),
            (Error.LENGTH, {"program_offset": 0}),
            (Error.LENGTH, {"program_offset": header.program_offset + random.randrange(1, 64)}),
            (Error.LENGTH, {"program_length": 0}),
            (Error.LENGTH, {"program_offset": 64, "program_length": last}),
            (Error.LENGTH, {"program_offset": 64 * last, "program_length": 1}),
            (Error.LENGTH, {"program_length": 0xFFFFFFFF}),
            (Error.LENGTH, {"program_offset": 0xFFFFFFC0, "program_length": 0xFFFFFFFF}),
            (Error.LENGTH, {"program_offset": 64, "program_length": 1 << 16}),
            (Error.VERSION, {f"reserved{random.randrange(11, 16)}": flip}),
            (Error.MEMORY, {"max_tokens": config.max_tokens + 1}),
            (Error.MEMORY, {"act_words": config.act_words + 1}),
            (Error.MEMORY, {"res_words": 0x80000000}),
        ):
            assert await bench.check(bench.damaged(image, **words)) == error, words
            assert bench.asked == [64]
        most = (last - 1) // INSTRUCTION_UNITS
        whole = bench.damaged(image, program_offset=64, program_length=most + 1)
        assert await bench.check(whole) == Error.LENGTH
        whole = bench.damaged(image, program_offset=64, program_length=most)
        assert await bench.check(whole) == Error.NONE
        # Sizes that header and register agree upon and that are none.
        for size in (64, 128, 192, 200, 0):
            assert await bench.check(bench.damaged(image, length=size), image_bytes=size) == Error.LENGTH
        assert await bench.check(image, image_bytes=len(image) + 64) == Error.LENGTH
        for size in (0, 1, HEADER_BYTES - 1):
            assert await bench.check(image, image_bytes=size) == Error.LENGTH and not bench.asked
        assert await bench.check(image) == Error.NONE

    await with_each(dut, test)


def code_of(image, config):
    """What software says of an image."""
    try:
        check(image, config)
    except Refused as refused:
        return refused.error
    return Error.NONE


@cocotb.test()
async def flipped_bits(dut):
    """With any one bit of the header flipped and the checksum made right again core and software agree."""

    async def test(bench):
        _, image = bench.image(512)
        words = struct.unpack("<16I", image[:HEADER_BYTES])
        codes = set()
        for bit in range(list(bench_config()["shapes"]).index(bench.name), 8 * HEADER_BYTES, 4):
            name = HEADER_WORDS[bit // 32]
            flipped = bench.damaged(image, **{name: words[bit // 32] ^ 1 << bit % 32})
            codes.add(code := code_of(flipped, bench.config))
            assert await bench.check(flipped) == code, (name, bit % 32)
        assert codes >= {Error.NONE, Error.MAGIC, Error.VERSION, Error.SHAPE, Error.LENGTH, Error.MEMORY}

    await with_each(dut, test)


@cocotb.test()
async def bad_checksums(dut):
    """Any changed bit of the body or of the checksum is found; the rest of the trailer does not count."""

    async def test(bench):
        _, image = bench.image(align(random.randrange(192, 1000)))
        body = len(image) - TRAILER_BYTES
        for byte in (HEADER_BYTES, body - 1, body, body + 3, random.randrange(HEADER_BYTES, body)):
            changed = bytearray(image)
            changed[byte] ^= 1 << random.randrange(8)
            assert await bench.check(bytes(changed)) == Error.CHECKSUM, byte
            assert await bench.check(bytes(changed), checked=True) == Error.NONE
        assert await bench.check(image) == Error.NONE

    await with_each(dut, test)


@cocotb.test()
async def rate(dut):
    """A beat a cycle."""

    async def test(bench):
        _, image = bench.image(64 * 60)
        task, cycles = cocotb.start_soon(bench.check(image)), 0
        while not task.done():
            await ClockCycles(dut.clk, 1)
            cycles += 1
        # The reader that is played here takes a few cycles for each transfer.
        assert cycles <= len(image) // bench.beat + 64 // bench.beat + 40, (bench.name, cycles)

    if bench_config()["stall"] == 0:
        await with_each(dut, test)
