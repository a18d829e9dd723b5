"""cocotb tests of the behavioural DRAM against a model in Python (see test_axi_dram)."""

import random
from pathlib import Path

import cocotb
from axi_master import AxiMaster, Burst
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import reset

OKAY, SLVERR, DECERR = 0, 2, 3


class Memory:
    """The specification: bytes, and which beats anybody has written."""

    def __init__(self, size: int, beat: int) -> None:
        self.bytes, self.beat = bytearray(size), beat
        self.known = [False] * (size // beat)

    def load(self, base: int, data: bytes) -> None:
        self.bytes[base : base + len(data)] = data
        for index in range(base // self.beat, -(-(base + len(data)) // self.beat)):
            self.known[index] = True

    def read(self, address: int) -> int:
        return int.from_bytes(self.bytes[address : address + self.beat], "little")

    def write(self, address: int, data: int, strobe: int) -> None:
        for index in range(self.beat):
            if strobe >> index & 1:
                self.bytes[address + index] = data >> 8 * index & 0xFF
                self.known[address // self.beat] = True


def random_bursts(rng, count, span, beat):
    """Bursts of up to 4096 bytes within ``span`` bytes, both kinds, with random strobes."""
    bursts = []
    for _ in range(count):
        address = rng.randrange(span // beat) * beat
        room = min(4096 - address % 4096, span - address) // beat
        beats = min(room, rng.choice([1, 2, 3, 4, 8, 16, 32, 256]))
        burst = Burst(rng.random() < 0.5, address, beats, id=rng.randrange(16))
        if burst.write:
            burst.data = [rng.getrandbits(8 * beat) for _ in range(beats)]
            full = (1 << beat) - 1
            burst.strobes = [rng.choice([full, full, 0, rng.getrandbits(beat)]) for _ in range(beats)]
        bursts.append(burst)
    return bursts


def write_burst(address, words, beat, **kwargs):
    return Burst(True, address, len(words), data=words, strobes=[(1 << beat) - 1] * len(words), **kwargs)


async def started(dut, **kwargs):
    Clock(dut.clk, 10, unit="ns").start()
    master = AxiMaster(dut, **kwargs)
    await reset(dut)
    return master


async def dumped(dut, base, count):
    """Ask for a dump of ``count`` bytes."""
    dut.dump_base.value, dut.dump_bytes.value, dut.dump.value = base, count, 1
    await ClockCycles(dut.clk, 2)
    dut.dump.value = 0
    await RisingEdge(dut.clk)


@cocotb.test()
async def traffic(dut):
    """Random bursts give what the model says, beat by beat, and so does the dump at the end."""
    config = bench_config()
    rng = random.Random(config["seed"])
    habits = {name: config[name] for name in ("stall", "early_data", "seed")}
    master = await started(dut, outstanding=20, **habits)
    model = Memory(config["mem_bytes"], master.size)
    for name in ("image", "inputs"):
        model.load(config[f"{name}_base"], Path(config[f"{name}_data"]).read_bytes())
    bursts = random_bursts(rng, config["bursts"], config["span"], master.size)
    await master.run(bursts)
    for burst in bursts:
        addresses = [burst.address + index * master.size for index in range(burst.beats)]
        assert set(burst.responses) == {OKAY}
        if burst.write:
            for address, data, strobe in zip(addresses, burst.data, burst.strobes, strict=True):
                model.write(address, data, strobe)
        else:
            assert burst.data == [model.read(address) for address in addresses]
            assert burst.uninitialised == [not model.known[address // master.size] for address in addresses]
    await ClockCycles(dut.clk, 3)
    assert int(dut.idle.value) == 1
    await dumped(dut, 0, config["span"])
    Path(config["expected"]).write_bytes(model.bytes[: config["span"]])


@cocotb.test()
async def throughput(dut):
    """With many bursts open and no stalls, both directions move a beat a cycle at the same time."""
    latency = bench_config()["latency"]
    master = await started(dut, outstanding=16)
    beats = min(32, 4096 // master.size)
    reads = [Burst(False, index * beats * master.size, beats) for index in range(24)]
    places = range(24 * beats * master.size, 48 * beats * master.size, beats * master.size)
    writes = [write_burst(place, [place] * beats, master.size) for place in places]
    await master.run([burst for pair in zip(reads, writes, strict=True) for burst in pair])
    assert reads[0].first - reads[0].asked == latency
    assert reads[-1].last - reads[0].first + 1 == 24 * beats
    assert writes[-1].last - writes[0].first + 1 == 24 * beats
    assert writes[-1].answered - writes[-1].last == latency


@cocotb.test()
async def sixteen_open(dut):
    """Sixteen one-beat bursts are taken long before the first is answered, and overlap in their latency."""
    latency = bench_config()["latency"]
    master = await started(dut, outstanding=64)
    reads = [Burst(False, index * master.size, 1, id=index % 16) for index in range(32)]
    await master.run(reads)
    assert reads[15].asked < reads[0].first
    assert [burst.first - burst.asked for burst in reads] == [latency] * 32
    writes = [write_burst(index * master.size, [index], master.size, id=index % 16) for index in range(32)]
    await master.run(writes)
    assert writes[15].last < writes[0].answered
    assert [burst.answered - burst.last for burst in writes] == [latency] * 32


@cocotb.test()
async def faults(dut):
    """The chosen beat answers the chosen error, its data is wrong on purpose, and a failed write is none."""
    config = bench_config()
    master = await started(dut)
    beat, response = master.size, config["fault_resp"]
    full = (1 << 8 * beat) - 1
    words = [0x11, 0x22, 0x33, 0x44]
    target = 0x400 + 2 * beat  # of +fault_write; reads fail at 0x800 + beat
    await master.run([first := write_burst(0x400, words, beat), write_burst(0x800, words, beat)])
    await master.run([second := write_burst(0x400, words, beat), check := Burst(False, 0x400, 4)])
    failing = [config["write_nth"] in (0, 1), config["write_nth"] in (0, 2)]
    assert first.responses == [response if failing[0] else OKAY]
    assert second.responses == [response if failing[1] else OKAY]
    assert check.data == ([0x11, 0x22, 0, 0x44] if all(failing) else words)
    assert target == config["write_target"]
    for turn in (1, 2, 3):
        await master.run([before := Burst(False, 0x400, 1), burst := Burst(False, 0x800, 4)])
        fails = config["read_nth"] in (0, turn)
        assert before.responses == [OKAY]
        assert burst.responses == [OKAY, response if fails else OKAY, OKAY, OKAY]
        assert burst.data == [0x11, 0x22 ^ (full if fails else 0), 0x33, 0x44]


@cocotb.test()
async def beyond(dut):
    """Beyond the memory every beat answers DECERR, and a burst that begins inside answers it in part."""
    master = await started(dut)
    size = bench_config()["mem_bytes"]
    words = list(range(4))
    await master.run([bad := write_burst(size - 2 * master.size, words, master.size)])
    await master.run([half := Burst(False, size - 2 * master.size, 4), out := Burst(False, 2 * size, 2)])
    assert bad.responses == [DECERR]
    assert half.responses == [OKAY, OKAY, DECERR, DECERR]
    assert half.data[:2] == [0, 1]
    assert out.responses == [DECERR, DECERR]


@cocotb.test()
async def stalls(dut):
    """Each channel stalls as often as it was told, and the others not at all."""
    config = bench_config()
    master = await started(dut, outstanding=32)
    beat = master.size
    reads = [Burst(False, index * beat, 1) for index in range(600)]
    await master.run([write_burst(index * beat, [index], beat) for index in range(600)])
    writing = master.cycle
    await master.run(reads)
    cycles = {"write": writing, "read": master.cycle - writing}
    expected = 600 / (1 - config["permille"] / 1000)
    for kind, count in cycles.items():
        if config["channel"] in {"write": ("aw", "w", "b"), "read": ("ar", "r")}[kind]:
            assert 0.85 * expected < count < 1.2 * expected, (kind, count, expected)
        else:
            assert count < 600 + 20, (kind, count)
    Path(config["diary"]).write_text(repr([(burst.asked, burst.first) for burst in reads]) + repr(cycles))


@cocotb.test()
async def reload(dut):
    """A rising edge of `load` brings the inputs anew, and several dumps can be made."""
    config = bench_config()
    master = await started(dut)
    count = 4 * master.size
    for fill in (1, 2, 3):
        Path(config["inputs"]).write_bytes(bytes([fill] * count))
        dut.load.value = 1
        await ClockCycles(dut.clk, 2)
        dut.load.value = 0
        await master.run([burst := Burst(False, 0x1000, 4)])
        assert burst.data == [int.from_bytes(bytes([fill] * master.size), "little")] * 4
        await dumped(dut, 0x1000, count)
        assert Path(config["dump"]).read_bytes() == bytes([fill] * count)


@cocotb.test()
async def nothing(dut):
    """Only starts: for what is wrong before the first cycle."""
    await started(dut)


@cocotb.test()
async def bad_dump(dut):
    """Asks for a dump that cannot be made."""
    await started(dut)
    await dumped(dut, bench_config()["base"], bench_config()["bytes"])
