"""Stationary operands of all three sources, with stalls everywhere, as the array and the tables get them."""

from collections import deque

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly
from driver import assert_equal, descriptor, generator, start
from loader_environment import COUNTS, Environment
from loader_stimulus import random_work

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Prologue
from pointwise.hw.contract.stream import PLANES, SHIFT_BITS, table_lanes
from pointwise.hw.contract.timing import PARAMETER_BANKS, READ_LATENCY, TABLE_BANKS
from pointwise.hw.engine.descriptor import LOADER
from pointwise.sim.bench import bench_config
from pointwise.sim.drivers import StreamSource
from pointwise.sim.lanes import pack_lanes, unpack_lanes, unpack_rows

CONVS = 60
SHIFTS_USED = READ_LATENCY + 2
"""Cycles from the fetch of a token until the prologue looks at the channel shifts."""
INPUTS = (
    "descriptor_payload",
    "descriptor_valid",
    "rows_payload",
    "rows_valid",
    "read_ready",
    "read_data",
    "hold",
    "started",
)


def check_tiles(around: Environment, config: CoreConfig, latency: int, end: int) -> None:
    """The shadows at every swap, when they were loaded, and the channel shifts while they count."""
    loads, before = deque(around.loads), -(1 << 20)
    for number, (tile, started) in enumerate(zip(around.tiles, around.starts, strict=True)):
        shadows, swap = np.full((config.cols, config.rows), 1 << 20), started + latency
        while loads and loads[0][0] < swap:
            cycle, column, index, mask, data = loads.popleft()
            if column:
                assert cycle >= before + config.rows + index, (
                    f"column {index} of tile {number} came too early"
                )
                shadows[index] = data[: config.rows]
            else:
                assert cycle > before + index, f"row {index} of tile {number} came too early"
                inside = unpack_lanes(mask, config.cols, 1, signed=False) == 1
                shadows[inside, index] = data[: config.cols][inside]
        n, k = tile.weights.shape
        assert_equal(f"weights of tile {number}", shadows[:n, :k], tile.weights)
        if tile.shifts is not None:
            following = around.starts[number + 1] if number + 1 < len(around.starts) else end - SHIFTS_USED
            words = around.shifts[started + SHIFTS_USED : following + SHIFTS_USED]
            lanes = unpack_rows(words, 2 * config.rows, SHIFT_BITS, signed=False)
            lanes = lanes.reshape(len(words), 2, config.rows)[:, number % 2, :k]
            assert_equal(f"shifts of tile {number}", lanes, np.broadcast_to(tile.shifts, lanes.shape))
        before = swap
    assert not loads, "the array was loaded after its last tile"


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.3])
async def loads_everything_in_time(dut, gap):
    given = bench_config()
    config, latency = CoreConfig(**given["core"]), given["latency"]
    rng = generator()
    works = [random_work(rng, config, number) for number in range(CONVS)]
    await start(dut, [*INPUTS, *COUNTS])
    around = Environment(dut, config, rng, works, gap)
    pace = rng.integers(1, 2 + 2000 * gap, works[-1].conv.wait_dma)
    around.due["dma_done"].extend(np.cumsum(pace).tolist())
    descriptors = StreamSource(dut, "descriptor", stall=gap)
    descriptors.put(descriptor(LOADER, work.conv) for work in works)
    rows = StreamSource(dut, "rows", stall=gap)
    rows.put(pack_lanes(row, 8) for work in works for row in work.rows)
    cycle = 0
    while len(around.starts) < len(around.tiles) or cycle < around.starts[-1] + 20:
        around.drive(cycle)
        await ReadOnly()
        around.observe(cycle)
        cycle += 1
        await FallingEdge(dut.clk)
    check_tiles(around, config, latency, cycle)
    assert_equal("rows taken", around.rows_taken, len(around.last_rows))
    planes = np.concatenate([work.planes for work in works])
    want = [
        (i // PLANES % PARAMETER_BANKS, i % PLANES, pack_lanes(row, 8))
        for i, row in enumerate(np.concatenate(planes))
    ]
    assert around.planes == want, "the parameters differ"
    for name, tables in (
        ("exp", [work.exponential for work in works if work.conv.prologue == Prologue.EXPONENTIAL]),
        ("act", [work.table for work in works if work.conv.table]),
    ):
        want = [
            (bank % TABLE_BANKS, i, pack_lanes(values, 8))
            for bank, table in enumerate(tables)
            for i, values in enumerate(table.reshape(-1, table_lanes(config)))
        ]
        assert_equal(f"{name} tables", around.tables[name], want)
