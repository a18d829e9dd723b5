"""cocotb tests of DmaEngine with both memories, the reader and the writer played in Python (see test_dma)."""

import random
from collections import deque

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout

from pointwise.hw.bus.window import TransferLayout
from pointwise.hw.contract.isa import Base, Dma, Space
from pointwise.hw.contract.timing import READ_LATENCY
from pointwise.hw.control.instruction import DMA
from pointwise.hw.engine.banked_address import BankedAddress
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSink, StreamSource, reset, stall_pattern

TIMEOUT = 20_000_000
DRAM_BYTES = 1 << 15
SRAM_WORDS = 1 << 10
BASES = {Base.IMAGE: 0x1000, Base.INPUT: 0x3000, Base.OUTPUT: 0x5000}
SPACES = ((Space.ACTIVATION, "act", 8), (Space.RESIDUAL, "res", 16))


class Machine:
    """What an instruction does to DRAM (a bytearray) and to the two memories (word address to lanes)."""

    def __init__(self, rows, beat, dram, memories):
        self.rows, self.beat = rows, beat
        self.dram, self.memories = bytearray(dram), [dict(memory) for memory in memories]
        self.word_bytes = [bits // 8 * (1 << (rows - 1).bit_length()) for _, _, bits in SPACES]

    def row_beats(self, command):
        return -(-command.words * self.word_bytes[command.space] // self.beat)

    def execute(self, command):
        size, memory = self.word_bytes[command.space], self.memories[command.space]
        lanes = self.rows * SPACES[command.space][2]
        for row in range(command.rows):
            at = BASES[command.base] + command.dram_offset + row * command.dram_stride
            first = command.sram_base + row * command.sram_stride
            if command.store:
                words = [memory[first + i].to_bytes(size, "little") for i in range(command.words)]
                data = b"".join(words).ljust(self.row_beats(command) * self.beat, b"\0")
                self.dram[at : at + len(data)] = data
            else:
                for i in range(command.words):
                    word = int.from_bytes(self.dram[at + i * size : at + (i + 1) * size], "little")
                    memory[first + i] = word & (1 << lanes) - 1


def placed(word):
    """Address and beats of a transfer."""
    transfer = TransferLayout().from_bits(word)
    return BASES[Base(transfer.window)] + transfer.offset, transfer.beats


class Unit:
    """One engine and its surroundings."""

    def __init__(self, dut, name, shape, stall):
        self.dut, self.name, self.rows, self.beat = dut, name, shape["rows"], shape["bus_bytes"]
        self.stall, self.sizes = stall, shape
        lanes = [self.rows * bits for _, _, bits in SPACES]
        self.dram = bytearray(random.randbytes(DRAM_BYTES))
        self.memories = [{i: random.getrandbits(bits) for i in range(SRAM_WORDS)} for bits in lanes]
        self.model = Machine(self.rows, self.beat, self.dram, self.memories)
        self.instructions = StreamSource(dut, f"{name}_instructions", stall=stall)
        self.transfers = StreamSink(dut, f"{name}_transfers", stall=stall)
        self.beats = StreamSource(dut, f"{name}_beats", stall=stall)
        self.done = self.conv_done = 0
        self.commands = deque()  # put, and not yet taken by the engine
        self.running = deque()
        self.sram_writes = self.sram_expected = 0
        self.loaded = 0  # words that the LOAD at work has written
        for port in ("conv_done", "dma_done", "sweep", "write_transfers_ready", "write_beats_ready"):
            self.port(port).value = 0
        self.port("writer_idle").value = 1
        self.reading = cocotb.start_soon(self.read())
        self.counting = cocotb.start_soon(self.count())
        for work in (self.write(), *(self.sram(*space) for space in SPACES)):
            cocotb.start_soon(work)

    def port(self, name):
        return getattr(self.dut, f"{self.name}_{name}")

    def stalled(self, name):
        return stall_pattern(f"{self.name}_{name}", self.stall)

    async def read(self):
        """The reader."""
        while True:
            (word,) = await self.transfers.receive(1)
            address, beats = placed(word)
            for at in range(address, address + beats * self.beat, self.beat):
                self.beats.put([int.from_bytes(self.dram[at : at + self.beat], "little")])

    async def write(self):
        """The writer: idle some time after the last beat."""
        stalled, left, address, rest = self.stalled("writer"), 0, 0, 0
        take, beat = self.port("write_transfers_ready"), self.port("write_beats_ready")
        while True:
            take.value = accept = int(left == 0 and not stalled())
            beat.value = move = int(left != 0 and not stalled())
            await RisingEdge(self.dut.clk)
            rest -= rest > 0
            if accept and int(self.port("write_transfers_valid").value):
                word = int(self.port("write_transfers_payload").value)
                address, left = placed(word)
            elif move and int(self.port("write_beats_valid").value):
                data = int(self.port("write_beats_payload").value)
                self.dram[address : address + self.beat] = data.to_bytes(self.beat, "little")
                address, left, rest = address + self.beat, left - 1, random.randrange(1, 12)
            self.port("writer_idle").value = int(left == 0 and rest == 0)
            self.writer_rests = left == 0 and rest == 0

    async def sram(self, space, prefix, bits):
        """A memory: both ports with stalls of their own, read data for one cycle only."""
        read, write = f"{prefix}_read", f"{prefix}_write"
        memory, stalled, places = (
            self.memories[space],
            self.stalled(prefix),
            BankedAddress(*self.sizes[prefix]),
        )
        coming = deque([None] * (READ_LATENCY - 1))
        while True:
            self.port(f"{read}_ready").value = give = int(not stalled())
            self.port(f"{write}_ready").value = accept = int(not stalled())
            await RisingEdge(self.dut.clk)
            address = places.address(int(self.port(f"{read}_place").value))
            coming.append(address if give and int(self.port(f"{read}_valid").value) else None)
            due = coming.popleft()
            rubbish = random.getrandbits(self.rows * bits)
            self.port(f"{read}_data").value = rubbish if due is None else memory[due]
            if accept and int(self.port(f"{write}_valid").value):
                assert int(self.port(f"{write}_mask").value) == (1 << self.rows) - 1
                address = places.address(int(self.port(f"{write}_place").value))
                memory[address] = int(self.port(f"{write}_data").value)
                self.sram_writes += 1

    async def count(self):
        """The counters of the run, and what must hold when an instruction is taken and when it is done."""
        while True:
            await RisingEdge(self.dut.clk)
            self.count_rows()
            if int(self.port("done").value):
                command = self.running.popleft()
                assert int(self.port("instruction").value) == self.index
                self.loaded = 0
                self.done += 1
                if command.store:
                    assert self.writer_rests
                else:
                    self.sram_expected += command.rows * command.words
                assert self.sram_writes == self.sram_expected
            if int(self.port("instructions_valid").value) and int(self.port("instructions_ready").value):
                command, self.index = self.commands.popleft()
                assert int(self.port("conv_done").value) >= command.wait_conv
                assert int(self.port("dma_done").value) >= command.wait_dma
                self.running.append(command)
            self.conv_done += random.random() < 0.02
            self.port("dma_done").value = self.done
            self.port("conv_done").value = self.conv_done

    def count_rows(self):
        """``rows_done`` says in every cycle how many rows of the LOAD at work are in the memory."""
        load = self.running[0] if self.running and not self.running[0].store else None
        if load is not None:
            assert int(self.port("rows_done").value) == self.loaded // load.words
        for _, prefix, _ in SPACES:
            write = f"{prefix}_write"
            taken = int(self.port(f"{write}_valid").value) and int(self.port(f"{write}_ready").value)
            self.loaded = self.loaded + taken if load is not None else 0

    def put(self, command):
        fields = {name: getattr(command, name) for name, _ in DMA if name != "index"}
        fields["index"] = random.getrandbits(16)
        self.commands.append((command, fields["index"]))
        self.instructions.put([DMA.const(fields).as_bits()])
        self.model.execute(command)

    def random(self, number):
        """A block that fits everywhere; a STORE reads from where a LOAD may have written just before."""
        space = random.choice(list(Space))
        small = (random.randint(1, 6), random.randint(1, 9))
        rows, words = random.choice(((1, 1), (1, random.randint(1, 40)), small))
        stride = words + random.randrange(4)
        size = -(-words * self.model.word_bytes[space] // 64) * 64
        dram_stride = size + 64 * random.randrange(2)
        room = 0x2000 - (rows - 1) * dram_stride - size
        return Dma(
            store=random.random() < 0.5,
            space=space,
            base=random.choice(list(Base)),
            dram_offset=random.randrange(room // 64 + 1) * 64,
            dram_stride=dram_stride,
            sram_base=random.randrange(SRAM_WORDS - rows * stride),
            sram_stride=stride,
            rows=rows,
            words=words,
            wait_conv=random.choice((0, self.conv_done + random.randrange(4))),
            wait_dma=random.randint(0, number),
        )

    async def finish(self, count):
        while self.done < count:
            await RisingEdge(self.dut.clk)

    def compare(self):
        assert self.dram == self.model.dram
        assert self.memories == self.model.memories

    async def run(self, count):
        for number in range(count):
            self.put(self.random(number))
        await self.finish(count)
        self.compare()


async def start(dut):
    Clock(dut.clk, 10, unit="ns").start()
    await reset(dut)
    config = bench_config()
    return [Unit(dut, name, shape, config["stall"]) for name, shape in config["shapes"].items()]


@cocotb.test()
async def blocks(dut):
    """Random LOADs and STOREs leave DRAM and memories as the plain loops do."""
    units = await start(dut)
    for task in [cocotb.start_soon(unit.run(bench_config()["blocks"])) for unit in units]:
        await with_timeout(task, TIMEOUT, "ns")


@cocotb.test()
async def rate(dut):
    """A beat or a word a cycle, across rows."""
    units = await start(dut)
    for unit in units:
        for store in (False, True):
            for space in Space:
                words = 64 * 4 // unit.model.word_bytes[space] or 1
                command = Dma(
                    store=store,
                    space=space,
                    base=Base.INPUT,
                    dram_offset=0,
                    dram_stride=1024,
                    sram_base=0,
                    sram_stride=words,
                    rows=4,
                    words=words,
                )
                before, cycles = unit.done, 0
                unit.put(command)
                while unit.done == before:
                    await RisingEdge(dut.clk)
                    cycles += 1
                # The writer that is played here takes a cycle for each transfer and rests at the end.
                limit = command.rows * max(words, unit.model.row_beats(command))
                assert cycles <= limit + (32 if store else 16), (unit.name, command, cycles, limit)
        unit.compare()


@cocotb.test()
async def overflow(dut):
    """From the row on whose offset does not fit 32 bits, the top bit of offsets says so."""
    units = await start(dut)
    for unit in units:
        stride = random.choice((1 << 31, 0xFFFFFFC0, 3 << 30))
        rows, first = 6, random.getrandbits(26) * 64
        command = Dma(False, Space.ACTIVATION, Base.INPUT, first, stride, 0, 1, rows, 1)
        unit.transfers.received.clear()
        seen = []

        async def receive(unit=unit, seen=seen, rows=rows):
            for _ in range(rows):
                seen.append(TransferLayout().from_bits((await unit.plain.receive(1))[0]))
                unit.beats.put([0])

        unit.reading.cancel()
        unit.plain = unit.transfers
        fields = {name: getattr(command, name) for name, _ in DMA if name != "index"}
        unit.commands.append((command, 0))
        unit.instructions.put([DMA.const(fields | {"index": 0}).as_bits()])
        await with_timeout(cocotb.start_soon(receive()), TIMEOUT, "ns")
        offsets = [first + row * stride for row in range(rows)]
        assert [item.offset & 0xFFFFFFFF for item in seen] == [offset & 0xFFFFFFFF for offset in offsets]
        assert [item.offset >> 32 for item in seen] == [int(offset >> 32 != 0) for offset in offsets]


@cocotb.test()
async def sweep(dut):
    """Every word of both memories is written, one of each in a cycle, and nobody is asked for anything."""
    units = await start(dut)
    for unit in units:
        unit.counting.cancel()
        for memory in unit.memories:
            memory.clear()
        unit.port("sweep").value = 1
        await RisingEdge(dut.clk)
        unit.port("sweep").value = 0
        cycles = 0
        while not int(unit.port("swept").value):
            await RisingEdge(dut.clk)
            cycles += 1
        for memory, name in zip(unit.memories, ("act", "res"), strict=True):
            assert set(range(unit.sizes[name][0])) <= memory.keys()
        assert unit.sizes["swept"] < cycles <= unit.sizes["swept"] + 8
        assert not unit.transfers.received and not int(unit.port("write_transfers_valid").value)
