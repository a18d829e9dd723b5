"""cocotb tests of the gearboxes (see test_gearbox)."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, with_timeout

from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSink, StreamSource, reset, stall_pattern

TIMEOUT = 5_000_000


def join(parts, bits):
    """One int of several, the first in the low bits."""
    return sum(part << i * bits for i, part in enumerate(parts))


def split(word, bits, count):
    return [word >> i * bits & (1 << bits) - 1 for i in range(count)]


async def start(dut):
    Clock(dut.clk, 10, unit="ns").start()
    await reset(dut)


async def unpack_blocks(dut, name, beat_bits, item_bits, stall):
    """Blocks of random length, of which a random number of items is wanted."""
    source = StreamSource(dut, f"{name}_beats", stall=stall)
    ready, valid = getattr(dut, f"{name}_items_ready"), getattr(dut, f"{name}_items_valid")
    payload, flush = getattr(dut, f"{name}_items_payload"), getattr(dut, f"{name}_flush")
    stalled = stall_pattern(name, stall)
    joins, splits = max(1, item_bits // beat_bits), max(1, beat_bits // item_bits)
    wanted = []
    for _ in range(bench_config()["blocks"]):
        # At most 64 bytes of padding, as in the stationary stream; all the items, one, or something between.
        groups = random.randint(1, 6)
        beats = [random.getrandbits(beat_bits) for _ in range(groups * joins)]
        items = (
            [join(beats[i : i + joins], beat_bits) for i in range(0, len(beats), joins)]
            if joins > 1
            else [item for beat in beats for item in split(beat, item_bits, splits)]
        )
        wanted.append(items[: random.choice((len(items), 1, random.randint(1, len(items))))])
        source.put(beat | (i == len(beats) - 1) << beat_bits for i, beat in enumerate(beats))
    for items in wanted:
        for number, item in enumerate(items):
            while True:
                flush.value = int(number == len(items) - 1)
                go = not stalled()
                ready.value = int(go)
                await RisingEdge(dut.clk)
                if go and int(valid.value):
                    break
            assert int(payload.value) == item, (name, number)
    ready.value = 0
    await source.drained()


async def pack_blocks(dut, name, item_bits, beat_bits, stall):
    source = StreamSource(dut, f"{name}_items", stall=stall)
    sink = StreamSink(dut, f"{name}_beats", stall=stall)
    joins, splits = max(1, beat_bits // item_bits), max(1, item_bits // beat_bits)
    wanted = []
    for _ in range(bench_config()["blocks"]):
        count = random.choice((1, joins, random.randint(1, 3 * joins)))
        items = [random.getrandbits(item_bits) for _ in range(count)]
        source.put(item | (i == len(items) - 1) << item_bits for i, item in enumerate(items))
        for i in range(0, len(items), joins):
            wanted += split(join(items[i : i + joins], item_bits), beat_bits, splits)
    assert await sink.receive(len(wanted)) == wanted, name


@cocotb.test()
async def blocks(dut):
    """All of them at once, each against plain slicing."""
    tasks = []
    await start(dut)
    stall = bench_config()["stall"]
    for beat_bits, item_bits in bench_config()["pairs"]:
        tasks.append(unpack_blocks(dut, f"unpack_{beat_bits}_{item_bits}", beat_bits, item_bits, stall))
        tasks.append(pack_blocks(dut, f"pack_{item_bits}_{beat_bits}", item_bits, beat_bits, stall))
    for task in [cocotb.start_soon(task) for task in tasks]:
        await with_timeout(task, TIMEOUT, "ns")


@cocotb.test()
async def rate(dut):
    """Without stalls the narrower side moves in every cycle."""
    await start(dut)
    for beat_bits, item_bits in bench_config()["pairs"]:
        for name, into, out, wide_in in (
            (f"unpack_{beat_bits}_{item_bits}", "beats", "items", beat_bits / item_bits),
            (f"pack_{item_bits}_{beat_bits}", "items", "beats", item_bits / beat_bits),
        ):
            source, sink = StreamSource(dut, f"{name}_{into}"), StreamSink(dut, f"{name}_{out}")
            inputs = 128 if wide_in <= 1 else 4
            outputs = int(inputs * wide_in)
            source.put([0] * inputs)
            cycles, task = 0, cocotb.start_soon(sink.receive(outputs))
            while not task.done():
                await RisingEdge(dut.clk)
                cycles += 1
            assert cycles <= max(inputs, outputs) + 4, (name, cycles)
