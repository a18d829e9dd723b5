"""Stationary operands of all three sources, with stalls everywhere, as the array and the tables get them."""

from collections import deque

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly
from loader_work import Tile, Work, random_work
from waves import descriptor, generator, same, start

from hw.contract.config import CoreConfig
from hw.contract.isa import Prologue
from hw.contract.stream import PLANES, SHIFT_BITS
from hw.engine.descriptor import LOADER
from hw.engine.requantise import PARAMETER_BANKS
from hw.engine.sram import READ_LATENCY
from hw.engine.table import TABLE_BANKS
from sim.bench import bench_config
from sim.drivers import StreamSource
from sim.lanes import pack_lanes, unpack_lanes, unpack_rows

CONVS = 60
SHIFTS_USED = READ_LATENCY + 2
"""Cycles from the fetch of a token until the prologue looks at the channel shifts."""
COUNTS = ("conv_done", "dma_done", "tile_end", "exp_end", "act_end")
INPUTS = (
    "descriptor_payload",
    "descriptor_valid",
    "rows_payload",
    "rows_valid",
    "read_ready",
    "read_data",
    "started",
)


class Surroundings:
    """Everything around the loader, and a diary of what it does."""

    def __init__(
        self, dut, config: CoreConfig, rng: np.random.Generator, works: list[Work], gap: float
    ) -> None:
        self.dut, self.config, self.rng, self.gap = dut, config, rng, gap
        self.works, self.tiles = works, [tile for work in works for tile in work.tiles]
        self.words = {address: word for work in works for address, word in work.words.items()}
        self.last_rows = [i == len(work.rows) - 1 for work in works for i in range(len(work.rows))]
        self.rows_taken = self.planes_written = 0
        self.done = dict.fromkeys(COUNTS, 0)
        self.due = {name: deque() for name in COUNTS}  # cycles in which a count goes up
        self.starts: list[int] = []
        self.loads: list[tuple] = []  # cycle, whether a column, index, mask, data
        self.planes: list[tuple[int, int, int]] = []
        self.tables = {"exp": [], "act": []}
        self.shifts: list[int] = []  # by cycle
        self.answers: deque[int] = deque([0] * READ_LATENCY)

    def drive(self, cycle: int) -> None:
        """Pulses, counts, grants, and a start as soon as the tile before has streamed, or some time later."""
        dut, rng = self.dut, self.rng
        for name in COUNTS:
            rises = bool(self.due[name]) and self.due[name][0] < cycle
            if name.endswith("end"):
                getattr(dut, name).value = rises
            if rises:
                self.due[name].popleft()
                self.done[name] += 1
        dut.conv_done.value, dut.dma_done.value = self.done["conv_done"], self.done["dma_done"]
        dut.read_ready.value = rng.random() >= self.gap
        dut.read_data.value = self.answers.popleft()
        free = not self.starts or cycle >= self.starts[-1] + self.tiles[len(self.starts) - 1].tokens
        starts = bool(dut.tile_ready.value) and free and rng.random() >= self.gap
        dut.started.value = starts
        if starts:
            self._start(cycle, self.tiles[len(self.starts)])

    def _start(self, cycle: int, tile: Tile) -> None:
        self.starts.append(cycle)
        conv, later = self.works[tile.number].conv, cycle + int(self.rng.integers(10, 200))
        ends = {"tile_end": tile.last_k, "conv_done": tile.last, "act_end": tile.last and conv.table}
        ends["exp_end"] = tile.last and conv.prologue == Prologue.EXPONENTIAL
        for name, happens in ends.items():
            if happens:
                self.due[name].append(max(later, self.due[name][-1] if self.due[name] else 0))

    def observe(self, cycle: int) -> None:
        """Write the diary, and check what must hold in every cycle."""
        dut = self.dut
        seen = {name: int(getattr(dut, name).value) for name in ("plane_write", "exp_write", "act_write")}
        if int(dut.rows_valid.value) and int(dut.rows_ready.value):
            same(
                f"flush with row {self.rows_taken}",
                int(dut.flush.value),
                int(self.last_rows[self.rows_taken]),
            )
            self.rows_taken += 1
        if seen["plane_write"]:
            assert len(self.planes) // PLANES - self.done["tile_end"] < PARAMETER_BANKS, (
                "parameters are still in use"
            )
            self.planes.append(
                tuple(int(getattr(dut, name).value) for name in ("plane_bank", "plane", "plane_data"))
            )
        for name, written in self.tables.items():
            if seen[f"{name}_write"]:
                assert len(written) // 256 - self.done[f"{name}_end"] < TABLE_BANKS, (
                    f"{name} table is still in use"
                )
                ports = (getattr(dut, f"{name}_bank"), dut.table_index, dut.table_data)
                written.append(tuple(int(port.value) for port in ports))
        for kind in ("row", "column"):
            if int(getattr(dut, f"{kind}_load").value):
                index, data = (int(getattr(dut, f"{kind}_{name}").value) for name in ("index", "data"))
                self.loads.append((cycle, kind == "column", index, int(dut.row_mask.value), data))
        self.shifts.append(int(dut.shifts.value))
        word = self.rng.integers(0, 256, self.config.rows)
        if int(dut.read_valid.value):
            conv = self.works[self.tiles[len(self.starts)].number].conv
            ready = self.done["conv_done"] >= conv.wait_conv and self.done["dma_done"] >= conv.wait_dma
            assert ready, "a word was read before what it depends on was written"
            if int(dut.read_ready.value):
                word = self.words.get(int(dut.read_address.value), word)
        self.answers.append(pack_lanes(word, 8))


def check_tiles(around: Surroundings, config: CoreConfig, latency: int, end: int) -> None:
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
                shadows[index] = unpack_lanes(data, config.rows, 8, signed=True)
            else:
                assert cycle > before + index, f"row {index} of tile {number} came too early"
                inside = unpack_lanes(mask, config.cols, 1, signed=False) == 1
                shadows[inside, index] = unpack_lanes(data, config.cols, 8, signed=True)[inside]
        n, k = tile.weights.shape
        same(f"weights of tile {number}", shadows[:n, :k], tile.weights)
        if tile.shifts is not None:
            following = around.starts[number + 1] if number + 1 < len(around.starts) else end - SHIFTS_USED
            words = around.shifts[started + SHIFTS_USED : following + SHIFTS_USED]
            lanes = unpack_rows(words, 2 * config.rows, SHIFT_BITS, signed=False)
            lanes = lanes.reshape(len(words), 2, config.rows)[:, number % 2, :k]
            same(f"shifts of tile {number}", lanes, np.broadcast_to(tile.shifts, lanes.shape))
        before = swap
    assert not loads, "the array was loaded after its last tile"


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.3])
async def loads_everything_in_time(dut, gap):
    given = bench_config()
    config, latency = CoreConfig(**given["core"]), given["latency"]
    rng = generator()
    works = [random_work(rng, config, number) for number in range(CONVS)]
    await start(dut, [*INPUTS, *COUNTS])
    around = Surroundings(dut, config, rng, works, gap)
    around.due["dma_done"].extend(np.cumsum(rng.integers(1, 2000, works[-1].conv.wait_dma)).tolist())
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
    same("rows taken", around.rows_taken, len(around.last_rows))
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
            (bank % TABLE_BANKS, i, value)
            for bank, table in enumerate(tables)
            for i, value in enumerate(table)
        ]
        same(f"{name} tables", around.tables[name], want)
