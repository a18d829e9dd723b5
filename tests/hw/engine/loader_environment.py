"""What surrounds the loader: activation SRAM, streamer and epilogue; and a diary of what the loader does."""

from collections import deque
from typing import Any

import numpy as np
from driver import assert_equal
from loader_stimulus import Tile, Work

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Prologue
from pointwise.hw.contract.stream import PLANES, TABLE_ENTRIES, table_lanes
from pointwise.hw.contract.timing import PARAMETER_BANKS, READ_LATENCY, TABLE_BANKS
from pointwise.hw.engine.banked_address import act_address
from pointwise.sim.lanes import pack_lanes, unpack_lanes

COUNTS = ("conv_done", "dma_done", "tile_end", "exp_end", "act_end")


class Environment:
    """Drives every port in every cycle, and keeps what it sees."""

    def __init__(
        self, dut: Any, config: CoreConfig, rng: np.random.Generator, works: list[Work], gap: float
    ) -> None:
        self.dut, self.config, self.rng, self.gap = dut, config, rng, gap
        self.places = act_address(config)
        self.works, self.tiles = works, [tile for work in works for tile in work.tiles]
        self.last_rows = [i == len(work.rows) - 1 for work in works for i in range(len(work.rows))]
        self.rows_taken = self.planes_written = 0
        self.done = dict.fromkeys(COUNTS, 0)
        self.due = {name: deque() for name in COUNTS}  # cycles in which a count goes up
        self.starts: list[int] = []
        self.loads: list[tuple] = []  # cycle, whether a column, index, mask, weights
        self.planes: list[tuple[int, int, int]] = []
        self.tables = {"exp": [], "act": []}
        self.shifts: list[int] = []  # by cycle
        self.answers: deque[int] = deque([0] * (READ_LATENCY + 1))  # of a port that asks a cycle ahead

    def drive(self, cycle: int) -> None:
        """Pulses, counts, words, and a start as soon as the tile before has streamed, or some time later."""
        dut, rng = self.dut, self.rng
        for name in COUNTS:
            rises = bool(self.due[name]) and self.due[name][0] < cycle
            if name.endswith("end"):
                getattr(dut, name).value = rises
            if rises:
                self.due[name].popleft()
                self.done[name] += 1
        dut.conv_done.value, dut.dma_done.value = self.done["conv_done"], self.done["dma_done"]
        dut.read_ready.value = 0  # it is not looked at
        dut.hold.value = rng.random() < self.gap
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

    def _weights(self, index: int, word: int) -> np.ndarray:
        """The lanes of ``WeightLoad`` in the order of the row or column."""
        rows, cols = self.config.rows, self.config.cols
        lanes = unpack_lanes(word, max(rows, cols), 8, signed=True).reshape(-1, min(rows, cols))
        return np.roll(lanes, -(index % min(rows, cols)), axis=1).reshape(-1)

    def observe(self, cycle: int) -> None:
        """Write the diary, and check what must hold in every cycle."""
        dut = self.dut
        seen = {
            name: int(getattr(dut, name).value) for name in ("parameters_write", "exp_write", "act_write")
        }
        if int(dut.rows_valid.value) and int(dut.rows_ready.value):
            assert_equal(
                f"flush with row {self.rows_taken}",
                int(dut.flush.value),
                int(self.last_rows[self.rows_taken]),
            )
            self.rows_taken += 1
        if seen["parameters_write"]:
            assert len(self.planes) // PLANES - self.done["tile_end"] < PARAMETER_BANKS, (
                "parameters are still in use"
            )
            self.planes.append(
                tuple(int(getattr(dut, f"parameters_{name}").value) for name in ("bank", "plane", "data"))
            )
        table_steps = TABLE_ENTRIES // table_lanes(self.config)
        for name, written in self.tables.items():
            if seen[f"{name}_write"]:
                assert len(written) // table_steps - self.done[f"{name}_end"] < TABLE_BANKS, (
                    f"{name} table is still in use"
                )
                ports = (getattr(dut, f"{name}_{port}") for port in ("bank", "index", "data"))
                written.append(tuple(int(port.value) for port in ports))
        row, column, index, mask, word = (
            int(getattr(dut, f"weights_{name}").value) for name in ("row", "column", "index", "mask", "data")
        )
        assert not (row and column), "a row and a column were loaded at once"
        if row or column:
            self.loads.append((cycle, bool(column), index, mask, self._weights(index, word)))
        self.shifts.append(int(dut.shifts.value))
        word = self.rng.integers(0, 256, self.config.rows)
        if int(dut.read_valid.value):
            assert not int(dut.hold.value), "a word was asked for in a cycle in which it was to hold"
            work = self.works[self.tiles[len(self.starts)].number]
            waits = work.conv.wait_conv, work.conv.wait_dma
            ready = self.done["conv_done"] >= waits[0] and self.done["dma_done"] >= waits[1]
            assert ready, "a word was read before what it depends on was written"
            word = work.words.get(self.places.address(int(dut.read_place.value)), word)
        self.answers.append(pack_lanes(word, 8))
