"""cocotb tests of reader and writer on the behavioural memory (see test_masters)."""

import random

import cocotb
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, with_timeout
from masters_environment import CLIENTS, Bench

from pointwise.hw.contract.isa import Base
from pointwise.sim.bench import bench_config

TIMEOUT = 20_000_000


@cocotb.test()
async def reads(dut):
    """Every client gets what it asked for, in order, with transfers queued behind each other."""
    bench = Bench(dut, stall=bench_config()["stall"])
    await bench.start()

    async def client(index):
        wanted = []
        for _ in range(bench_config()["transfers"]):
            beats = bench.length()
            address = bench.place(beats)
            bench.reads[index].put([bench.word(address, beats)])
            wanted += bench.expected(address, beats)
        assert await bench.data[index].receive(len(wanted)) == wanted

    for task in [cocotb.start_soon(client(index)) for index in range(CLIENTS)]:
        await with_timeout(task, TIMEOUT, "ns")
    await bench.until(lambda: int(dut.read_idle.value))
    assert not int(dut.read_error.value)


@cocotb.test()
async def read_bursts(dut):
    """A transfer becomes the fewest bursts that end at multiples of their size."""
    bench = Bench(dut, stall=0)
    await bench.start()
    wanted = []
    for _ in range(20):
        beats = bench.length()
        address = bench.place(beats)
        wanted += bench.bursts(address, beats)
        bench.reads[1].put([bench.word(address, beats)])
        await bench.data[1].receive(beats)
    assert bench.ar == wanted


@cocotb.test()
async def read_rate(dut):
    """A beat a cycle for one client, and for two together; a client has a burst in two cycles at most."""
    bench = Bench(dut, stall=0)
    await bench.start()
    beats = min(1500, len(bench.memory) // bench.beat)
    for active in (1, 2):
        for index in range(active):
            bench.reads[index].put([bench.word(0, beats)])

        async def all_of(active=active):
            for index in range(active):
                assert await bench.data[index].receive(beats) == bench.expected(0, beats)

        taken = await bench.cycles(all_of())
        cycles = max(active, 2 // bench.burst) * beats
        assert taken <= cycles * 1.03 + 100, (active, taken)


@cocotb.test()
async def full_client(dut):
    """A client that takes nothing keeps the others from nothing."""
    bench = Bench(dut, stall=0)
    await bench.start()
    bench.data[0]._stall = lambda: True
    bench.reads[0].put([bench.word(0, 400), bench.word(0, 1)])
    await with_timeout(cocotb.start_soon(bench.read_some(1, 20)), TIMEOUT, "ns")
    await with_timeout(cocotb.start_soon(bench.read_some(2, 20)), TIMEOUT, "ns")
    bench.data[0]._stall = lambda: False
    assert await bench.data[0].receive(401) == bench.expected(0, 400) + bench.expected(0, 1)


@cocotb.test()
async def writes(dut):
    """The memory holds what was written and is untouched elsewhere; reads go on meanwhile."""
    bench = Bench(dut, stall=bench_config()["stall"])
    await bench.start()
    reference = bytearray(bench.memory)
    half = len(reference) // 2 // bench.beat
    wanted = []
    for _ in range(bench_config()["transfers"]):
        beats = bench.length()
        first = half + random.randrange(half - beats + 1)
        words = [random.getrandbits(8 * bench.beat) for _ in range(beats)]
        for i, word in enumerate(words):
            at = (first + i) * bench.beat
            reference[at : at + bench.beat] = word.to_bytes(bench.beat, "little")
        wanted += bench.bursts(first * bench.beat, beats)
        bench.writes.put([bench.word(first * bench.beat, beats)])
        bench.beats.put(words)
    bench.reads[0].put([bench.word(0, half)])
    await with_timeout(bench.beats.drained(), TIMEOUT, "ns")
    await RisingEdge(dut.clk)
    await bench.until(lambda: int(dut.write_idle.value))
    assert int(dut.bus_idle.value) or not int(dut.read_idle.value)
    assert await bench.data[0].receive(half) == bench.expected(0, half)
    assert bench.aw == wanted
    assert await bench.dumped() == reference
    assert not int(dut.write_error.value)


@cocotb.test()
async def write_rate(dut):
    """A beat a cycle, in long transfers and in short ones."""
    bench = Bench(dut, stall=0)
    await bench.start()
    beats = min(1200, len(bench.memory) // bench.beat) // 12 * 12
    for piece in (beats, 12):
        bench.writes.put(bench.word(i * bench.beat, piece) for i in range(0, beats, piece))

        async def all_of():
            await bench.beats.send(random.getrandbits(8 * bench.beat) for _ in range(beats))

        # Short pieces may begin in the middle of a burst and then take one address for few beats.
        taken = await bench.cycles(all_of())
        assert taken <= beats * 1.05 + 120, (piece, taken)
        await bench.until(lambda: int(dut.write_idle.value))
        await RisingEdge(dut.clk)


@cocotb.test()
async def read_fault(dut):
    """The first burst that fails is told with its address; after a halt everything works again."""
    bench = Bench(dut, stall=bench_config()["stall"])
    await bench.start()
    target = bench_config()["fault"]
    here = target // bench.beat * bench.beat
    first = here - 5 * bench.beat
    # The second transfer fails too, in a burst that begins elsewhere.
    bench.reads[0].put([bench.word(first, 200), bench.word(here, 3)])
    bench.reads[1].put([bench.word(0, 150)])
    bench.reads[2].put([bench.word(0, 150)] * 5)
    await bench.until(lambda: int(dut.read_error.value))
    await with_timeout(bench.data[0].receive(203), TIMEOUT, "ns")
    await ReadOnly()
    at = int(dut.read_address.value)
    length = dict(bench.bursts(first, 200))[at] + 1
    assert at <= target < at + length * bench.beat
    await RisingEdge(dut.clk)
    # What the source holds must not get in after the halt.
    for source in bench.reads:
        source._queue.clear()
        source._queue.append(0)
    await bench.drain()
    assert not int(dut.read_error.value)


@cocotb.test()
async def write_fault(dut):
    """The same for writes."""
    bench = Bench(dut, stall=bench_config()["stall"])
    await bench.start()
    target = bench_config()["fault"]
    here = target // bench.beat * bench.beat
    first = here - 5 * bench.beat
    bench.writes.put([bench.word(first, 100), bench.word(here, 3)])
    bench.beats.put(random.getrandbits(8 * bench.beat) for _ in range(103))
    await bench.until(lambda: int(dut.write_error.value))
    await RisingEdge(dut.clk)
    await bench.until(lambda: int(dut.write_idle.value))
    at = int(dut.write_address.value)
    length = dict(bench.bursts(first, 100))[at] + 1
    assert at <= target < at + length * bench.beat
    await bench.drain()


@cocotb.test()
async def halts(dut):
    """A halt at any time ends all bursts, writes nothing wrong, and leaves nothing behind."""
    config = bench_config()
    bench = Bench(dut, stall=0)
    await bench.start()
    before = bytes(bench.memory)
    half = len(before) // 2 // bench.beat
    reference = [int.from_bytes(before[i * bench.beat :][: bench.beat], "little") for i in range(2 * half)]
    possible = [{word} for word in reference]
    for _ in range(config["transfers"] // 4):
        # Ports by hand: a halt takes away what a source would insist upon.
        beats = bench.length()
        first = half + random.randrange(half - beats + 1)
        words = [random.getrandbits(8 * bench.beat) for _ in range(beats)]
        written = 0
        dut.write_payload.value, dut.write_valid.value = bench.word(first * bench.beat, beats), 1
        dut.read0_payload.value, dut.read0_valid.value = bench.word(0, half), 1
        for _ in range(random.randrange(2 * beats + 40)):
            dut.beats_valid.value = int(written < beats and random.random() < 0.8)
            dut.beats_payload.value = words[min(written, beats - 1)]
            await RisingEdge(dut.clk)
            if int(dut.write_valid.value) and int(dut.write_ready.value):
                dut.write_valid.value = 0
            if int(dut.read0_valid.value) and int(dut.read0_ready.value):
                dut.read0_valid.value = 0
            if int(dut.beats_valid.value) and int(dut.beats_ready.value):
                possible[first + written].add(words[written])
                written += 1
        for name in ("write", "read0", "beats"):
            getattr(dut, f"{name}_valid").value = 0
        await bench.drain()
        for sink in bench.data:
            sink.received.clear()
        await bench.read_some(0, 2)
    after = await bench.dumped()
    for i, allowed in enumerate(possible):
        assert int.from_bytes(after[i * bench.beat :][: bench.beat], "little") in allowed, i


def somewhere(bench):
    """Three windows, of which the readable ones may overlap; in whole beats or a little more."""
    pages = len(bench.memory) // 4096
    windows = {}
    for base in Base:
        first = random.randrange(pages - 1)
        most = (pages - first) * 4096
        size = random.choice((0, bench.beat - 1, bench.beat, 4096, most, random.randrange(most)))
        windows[base] = (4096 * first, size)
    return windows


def near_the_edge(bench, size):
    """An offset and a length in beats, often such that they end at the window's end or a beat beyond."""
    beats = bench.length(40)
    end = size // bench.beat + random.choice((-1, 0, 0, 1, 2, random.randrange(-100, 100)))
    first = random.choice((end - beats, end - beats, random.randrange(max(1, end + 1)), 0))
    choices = [(max(0, first) * bench.beat, beats)] * 6
    far = (random.getrandbits(33) // bench.beat * bench.beat, random.choice((1, 2, (1 << 30) - 1)))
    return random.choice([*choices, far, (0, (1 << 30) - 1), (1 << 32, 1), ((1 << 32) - bench.beat, 2)])


@cocotb.test()
async def windows(dut):
    """Any transfers near the edges of any windows: what is outside is refused as a whole, and told."""
    bench = Bench(dut, stall=bench_config()["stall"])
    await bench.start()
    for _ in range(bench_config()["transfers"]):
        dut.halt.value = 1
        await RisingEdge(dut.clk)
        bench.windows = somewhere(bench)
        bench.place_windows()
        await RisingEdge(dut.clk)
        dut.halt.value = 0
        bench.ar.clear()
        bench.aw.clear()
        write, client = random.random() < 0.4, random.randrange(CLIENTS)
        base = random.choice((*Base, 3)) if not write or random.random() < 0.2 else Base.OUTPUT
        first, size = bench.windows[base] if base < 3 else (0, 0)
        wanted, bad = [], None
        for _ in range(6):
            offset, beats = near_the_edge(bench, size)
            word = bench.word(offset, beats, base)
            if write:
                bench.writes.put([word])
                bench.beats.put(random.getrandbits(8 * bench.beat) for _ in range(min(beats, 200)))
            else:
                bench.reads[client].put([word])
            if offset + beats * bench.beat > size or (write and base != Base.OUTPUT):
                bad = (first + offset) & 0xFFFFFFFF
                break
            wanted.append((first + offset, beats))
        kind = "write" if write else "read"
        bursts = [burst for item in wanted for burst in bench.bursts(*item)]
        seen = bench.aw if write else bench.ar
        if bad is None:
            await bench.until(lambda seen=seen, bursts=bursts: len(seen) >= len(bursts), limit=20_000)
            await ClockCycles(dut.clk, 60)
            assert not int(getattr(dut, f"{kind}_error").value)
        else:
            await bench.until(lambda kind=kind: int(getattr(dut, f"{kind}_error").value), limit=20_000)
            assert int(getattr(dut, f"{kind}_refused").value) == (1 if write else 1 << client)
            assert int(getattr(dut, f"{kind}_address").value) == bad
            await ClockCycles(dut.clk, 60)
        assert seen == bursts
        await bench.drain()
        for sink in bench.data:
            sink.received.clear()
