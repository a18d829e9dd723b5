"""K-tiles of random convolutions, tokens coming again as early as is allowed, and an epilogue that stalls."""

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from driver import assert_equal, generator, play, start

from pointwise.hw.contract.timing import STREAM_REVISIT
from pointwise.hw.engine.accumulator import Accumulator
from pointwise.hw.engine.array import sum_shape
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSink
from pointwise.sim.lanes import pack_rows, unpack_rows

CONVS = 60


class EarlySink(StreamSink):
    """``StreamSink`` of a stream that is told its READY a cycle ahead."""

    def __init__(self, dut: Any, name: str, *, stall: float) -> None:
        self._ready_next = getattr(dut, f"{name}_ready_next")
        super().__init__(dut, name, stall=stall)

    async def _take(self) -> None:
        edge, ready = RisingEdge(self._clock), False
        while True:
            ready_next = not self._stall()
            self._ready_next.value = int(ready_next)
            await edge
            if ready and int(self._valid.value):
                self.received.append(int(self._payload.value))
                self._news.set()
            ready = ready_next


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.5])
async def equals_the_model(dut, stall):
    config = bench_config()
    rows, cols, max_tokens = config["rows"], config["cols"], config["max_tokens"]
    rng, width = generator(), sum_shape(rows).width
    ends = (-128 * 255 * rows, 128 * 128 * rows)  # of one sum
    ports = ("valid", "first", "last", "maximum", "token", "sums")
    await start(dut, [*ports, "output_ready_next"])
    sink = EarlySink(dut, "output", stall=stall)
    want = []
    for number in range(CONVS):
        tokens = max_tokens if number == 0 else int(rng.integers(1, max_tokens + 1))
        tiles = 4096 // rows if number == 1 else int(rng.choice([1, 2, rng.integers(1, 12)]))
        tokens = 1 if number == 1 else tokens
        sums = rng.integers(ends[0], ends[1] + 1, (tiles, tokens, cols))
        sums = np.where(rng.random() < 0.2 or number == 1, rng.choice(ends, (1, tokens, cols)), sums)
        sums = np.broadcast_to(sums, (tiles, tokens, cols))
        maximum = int(number > 1 and rng.integers(0, 3) == 0)
        if maximum and rng.integers(0, 2):
            sums = rng.choice([-256, -128, -1, 0, 1, 255, *rng.integers(-256, 256, 4)], sums.shape)
        low = (sums + 256) % 512 - 256
        want.append(low.max(axis=0) if maximum else sums.sum(axis=0))
        steps: list[tuple] = []  # valid, first, last, maximum, token, sums
        gap = rng.choice([0.0, 0.4])
        for tile in range(tiles):
            for token in range(tokens):
                while rng.random() < gap:
                    steps.append((0, *rng.integers(0, 2, 3), token, sums[0, 0]))
                steps.append((1, int(tile == 0), int(tile == tiles - 1), maximum, token, sums[tile, token]))
            for _ in range(STREAM_REVISIT - tokens):
                steps.append((0, 0, 1, 1, 0, sums[0, 0]))
        # Whoever sends tokens has made sure of room in the FIFO.
        while len(sink.received) < sum(map(len, want[:-1])) and tokens + sum(map(len, want)) > max_tokens:
            await play(dut, {"valid": [0]}, [])
        *flags, lanes = (np.array(column) for column in zip(*steps, strict=True))
        values = (*flags, pack_rows(lanes, width))
        await play(dut, dict(zip(ports, values, strict=True)), [])
        dut.valid.value = 0
    got = await sink.receive(sum(map(len, want)))
    assert_equal("accumulators", unpack_rows(got, cols, 32, signed=True), np.concatenate(want))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def takes_four_cycles(dut):
    config = bench_config()
    await start(dut, ["valid", "first", "last", "maximum", "token", "sums", "output_ready_next"])
    one = {"valid": [1, 0], "first": [1, 1], "last": [1, 1], "sums": [1, 0]}
    seen = await play(dut, one, ["output_valid", "output_payload"], after=Accumulator.LATENCY)
    place = seen["output_valid"].index(1)
    assert place == Accumulator.LATENCY, f"a result came after {place} cycles, expected {Accumulator.LATENCY}"
    assert seen["output_payload"][place] == 1, f"the result is {seen['output_payload'][place]}, of {config}"
