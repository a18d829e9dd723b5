"""cocotb tests of ProgramFetch against the instructions that went into the image (see test_program)."""

import random
from dataclasses import replace
from itertools import pairwise

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout

from pointwise.hw.bus.window import TransferLayout
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.decoding import decode
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Base, Conv, Dma, End, Opcode
from pointwise.hw.contract.legal import core_bounds, instruction_fields
from pointwise.hw.contract.registers import Error
from pointwise.hw.contract.timing import DISPATCH, DISPATCHED
from pointwise.hw.control.instruction import DMA
from pointwise.hw.engine.descriptor import CONV
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSink, reset, stall_pattern
from tests.hw.contract.instructions import drawn, edges, encoded

TIMEOUT = 5_000_000
IMAGE_BYTES = (1 << 32) - 1
"""As much as there can be."""


def inside(fields, bounds):
    """The same instruction; a stream begins early enough to lie in an image of IMAGE_BYTES."""
    if fields["opcode"] != Opcode.CONV:
        return fields
    room = bounds["most_beats"] - fields["stream_beats"]
    beat = (1 << 32) // (bounds["most_beats"] + 1)
    return fields | {"stream_offset": min(fields["stream_offset"], room * beat & -64)}


def fitting(kind, bounds):
    """A random legal instruction that leaves no window."""
    return decode(encoded(inside(instruction_fields(drawn(random, kind, bounds)), bounds)))


def any_program(bounds, length):
    """Legal instructions in any order; END is not among them."""
    program, counts = [], {"convs": 0, "dmas": 0}
    for _ in range(length):
        kind = random.choice((Opcode.CONV, Opcode.CONV, Opcode.LOAD, Opcode.STORE))
        program.append(fitting(kind, bounds | counts))
        counts["convs" if kind == Opcode.CONV else "dmas"] += 1
    return program


def as_conv(word):
    """The fields of a dispatched convolution, reserved ones left out."""
    view = CONV.from_bits(word)
    return {name: view[name] for name, _ in CONV if not name.startswith("reserved") and name != "opcode"}


def fields(command, layout):
    return {name: int(getattr(command, name)) for name, _ in layout if hasattr(command, name)}


class Bench:
    """One fetcher, with the bus and the engines played in Python."""

    def __init__(self, dut, name, shape, stall):
        self.dut, self.name = dut, name
        config = CoreConfig(**shape)
        self.beat, self.bounds = config.bus_bytes, core_bounds(config)
        self.transfers = StreamSink(dut, f"{name}_transfers", stall=stall)
        self.words = []  # beats that are to come; emptied where a reset interrupts the bus
        self.stalled = stall_pattern(name, stall)
        outputs = ("conv", "streams", "dma")
        self.sinks = {port: StreamSink(dut, f"{name}_{port}", stall=stall) for port in outputs}
        self.port("image_bytes").value = IMAGE_BYTES
        for port in ("start", "conv_done", "dma_done"):
            self.port(port).value = 0
        cocotb.start_soon(self.feed())

    async def feed(self):
        payload, valid, ready = (self.port(f"beats_{name}") for name in ("payload", "valid", "ready"))
        shown = False
        while True:
            shown = bool(self.words) and (shown or not self.stalled())
            valid.value = int(shown)
            if shown:
                payload.value = self.words[0]
            await RisingEdge(self.dut.clk)
            if shown and int(ready.value):
                del self.words[:1]
                shown = False

    def port(self, name):
        return getattr(self.dut, f"{self.name}_{name}")

    def value(self, name):
        return int(self.port(name).value)

    async def begin(self, program, offset=0x240):
        """Starts, checks the transfer that is asked for, and queues the program on the bus."""
        await RisingEdge(self.dut.clk)
        self.port("program_offset").value, self.port("program_length").value = offset, len(program)
        self.port("start").value = 1
        await RisingEdge(self.dut.clk)
        self.port("start").value = self.port("program_offset").value = self.port("program_length").value = 0
        if not program:
            return
        (word,) = await self.transfers.receive(1)
        beats = len(program) * INSTRUCTION_BYTES // self.beat
        transfer = TransferLayout().from_bits(word)
        assert (transfer.window, transfer.offset, transfer.beats) == (Base.IMAGE, offset, beats)
        data = b"".join(item if isinstance(item, bytes) else item.encode() for item in program)
        places = range(0, len(data), self.beat)
        self.words += [int.from_bytes(data[i : i + self.beat], "little") for i in places]

    async def until(self, name, cycles=3000):
        for _ in range(cycles):
            await RisingEdge(self.dut.clk)
            if self.value(name):
                return
        raise AssertionError(f"{self.name}: no {name}")

    async def restart(self):
        self.words.clear()
        await reset(self.dut)

    def compare(self, program):
        convs = [item for item in program if isinstance(item, Conv)]
        dmas = [item for item in program if isinstance(item, Dma)]
        got = [as_conv(word) for word in self.sinks["conv"].received]
        assert got == [fields(item, CONV) for item in convs]
        streams = [(word & 0xFFFFFFFF, word >> 32) for word in self.sinks["streams"].received]
        assert streams == [(item.stream_offset, item.stream_beats) for item in convs]
        got = [{name: DMA.from_bits(word)[name] for name, _ in DMA} for word in self.sinks["dma"].received]
        assert [item.pop("index") for item in got] == [program.index(item) for item in dmas]
        assert got == [fields(item, DMA) for item in dmas]
        for sink in self.sinks.values():
            sink.received.clear()


async def start(dut):
    Clock(dut.clk, 10, unit="ns").start()
    config = bench_config()
    benches = [Bench(dut, name, shape, config["stall"]) for name, shape in config["shapes"].items()]
    await reset(dut)
    return benches


async def with_each(dut, benches, test):
    for bench in benches:
        await with_timeout(cocotb.start_soon(test(bench)), TIMEOUT, "ns")


@cocotb.test()
async def dispatch(dut):
    """All fields of all instructions, in order, and the end after everything is complete."""

    async def test(bench):
        program = any_program(bench.bounds, 60)
        convs = sum(isinstance(item, Conv) for item in program)
        # What follows END is none of its business.
        await bench.begin([*program, End(), bytes([9]) * INSTRUCTION_BYTES])
        for _ in range(5000):
            await RisingEdge(dut.clk)
            if bench.value("instruction") == len(program):
                break
        await ClockCycles(dut.clk, 40)
        assert not bench.value("ended") and bench.value("instruction") == len(program)
        bench.port("conv_done").value = convs
        await ClockCycles(dut.clk, 3)
        assert not bench.value("ended")
        bench.port("dma_done").value = len(program) - convs
        await bench.until("ended", 3)
        assert bench.value("error") == Error.NONE
        bench.compare(program)

    await with_each(dut, await start(dut), test)


@cocotb.test()
async def refusals(dut):
    """Each rule at its ends, and every opcode: what is illegal is refused, with its index, after everything
    before it was dispatched; what is legal is not. In one of the fetchers, as that is many cases."""

    async def test(bench):
        before = any_program(bench.bounds, 4)
        convs = sum(isinstance(item, Conv) for item in before)
        counts = {"convs": convs, "dmas": len(before) - convs}
        cases = [
            (
                what,
                encoded(inside(fields, bench.bounds) if good else fields),
                Error.NONE if good else Error.OPERAND,
            )
            for what, fields, good in edges(random, bench.bounds | counts)
        ]
        cases += [(f"opcode {code}", bytes([code]) + bytes(63), Error.OPCODE) for code in range(4, 16)]
        assert {error for _, _, error in cases} == {Error.NONE, Error.OPERAND, Error.OPCODE}
        for what, item, error in cases:
            await bench.begin([*before, item, End()])
            for _ in range(2000):
                await RisingEdge(dut.clk)
                if bench.value("error") or bench.value("instruction") == len(before) + 1:
                    break
            assert bench.value("error") == error, what
            await ClockCycles(dut.clk, 30)
            assert bench.value("instruction") == len(before) + (error == Error.NONE), what
            assert not bench.value("ended")
            bench.compare(before if error else [*before, decode(item)])
            await bench.restart()

    benches = await start(dut)
    await with_each(dut, [benches[bench_config()["stall"] > 0]], test)


@cocotb.test()
async def streams_outside(dut):
    """A stream that leaves the image by a beat or more is the last that is asked for, and is not executed."""

    async def test(bench):
        most = bench.bounds["most_beats"]
        none = bench.bounds | {"convs": 0, "dmas": 0}
        size = random.randrange(1 << 14, 1 << 25) * 64 + random.choice((0, 0, bench.beat - 1))
        for offset, beats, inside in (
            (0, size // bench.beat, True),
            (0, size // bench.beat + 1, False),
            (size // 64 * 64 - 64, 64 // bench.beat, True),
            (size // 64 * 64 - 64, 64 // bench.beat + 1, False),
            (size // 64 * 64, 1, False),
            (0xFFFFFFC0, 64 // bench.beat, False),
            (0xFFFFFFC0, most, False),
        ):
            bench.port("image_bytes").value = size
            if beats > most:
                continue
            load, store = (drawn(random, kind, none) for kind in (Opcode.LOAD, Opcode.STORE))
            first, conv = (
                replace(drawn(random, Opcode.CONV, none), stream_offset=at, stream_beats=length)
                for at, length in ((0, 1), (offset, beats))
            )
            await bench.begin([load, first, conv, store, End()])
            await ClockCycles(dut.clk, 500)
            assert bench.value("error") == Error.NONE
            assert bench.value("instruction") == (4 if inside else 2)
            asked = bench.sinks["streams"].received
            assert (asked[-1] & 0xFFFFFFFF, asked[-1] >> 32) == (offset, beats)
            assert [len(bench.sinks[port].received) for port in ("streams", "conv", "dma")] == (
                [2, 2, 2] if inside else [2, 1, 1]
            )
            for sink in bench.sinks.values():
                sink.received.clear()
            await bench.restart()
        bench.port("image_bytes").value = IMAGE_BYTES

    await with_each(dut, await start(dut), test)


@cocotb.test()
async def no_end(dut):
    """A program that ends without END, and one of no instructions at all."""

    async def test(bench):
        for length in (2, 0):
            program = any_program(bench.bounds, length)
            await bench.begin(program)
            await bench.until("error")
            assert bench.value("error") == Error.PROGRAM
            await ClockCycles(dut.clk, 20)
            assert bench.value("instruction") == max(0, length - 1)
            bench.compare(program)
            await bench.restart()

    await with_each(dut, await start(dut), test)


@cocotb.test()
async def queues(dut):
    """A DMA engine that takes nothing holds up nothing until its queue is full."""

    async def test(bench):
        bounds = bench.bounds | {"convs": 0, "dmas": 0}
        load, conv = (fitting(kind, bounds) for kind in (Opcode.LOAD, Opcode.CONV))
        bench.sinks["dma"]._stall = lambda: True
        await bench.begin([*[load] * 8, *[conv] * 4, load, load, conv, End()])
        await ClockCycles(dut.clk, 800)
        assert len(bench.sinks["conv"].received) == 4 and not bench.sinks["dma"].received
        bench.sinks["dma"]._stall = lambda: False
        await ClockCycles(dut.clk, 400)
        assert len(bench.sinks["conv"].received) == 5 and len(bench.sinks["dma"].received) == 10
        await bench.restart()

    await with_each(dut, await start(dut), test)


@cocotb.test()
async def rate(dut):
    """Where nothing stalls, an instruction takes its beats, and DISPATCH and DISPATCHED cycles."""

    async def test(bench):
        bench.stalled = lambda: False
        for sink in bench.sinks.values():
            sink._stall = lambda: False
        program = [fitting(Opcode.LOAD, bench.bounds | {"convs": 0, "dmas": 0}) for _ in range(20)]
        await bench.begin([*program, End()])
        changes, before = [], 0
        for cycle in range(800):
            await RisingEdge(dut.clk)
            if bench.value("instruction") != before:
                before = bench.value("instruction")
                changes.append(cycle)
        assert len(changes) == len(program)
        # The first ones wait in the buffer behind the bus.
        beats = INSTRUCTION_BYTES // bench.beat
        took = [after - at for at, after in pairwise(changes)]
        assert took[-4:] == [beats + DISPATCH + DISPATCHED] * 4, (bench.name, took)
        await bench.restart()

    await with_each(dut, await start(dut), test)
