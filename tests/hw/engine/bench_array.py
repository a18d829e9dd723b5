"""Tiles of every length, loaded by rows, half rows and columns, as early and as late as is allowed."""

import cocotb
import numpy as np
from driver import assert_equal, generator, play, start

from pointwise.hw.engine.array import SystolicArray, sum_shape
from pointwise.model.integer.convolution import convolve
from pointwise.sim.bench import bench_config
from pointwise.sim.lanes import pack_rows, unpack_rows

TILES = 120


class Schedule:
    """What happens at the ports of one array, tile by tile."""

    def __init__(self, rng: np.random.Generator, rows: int, cols: int) -> None:
        self.rng, self.rows, self.cols = rng, rows, cols
        self.last = -1  # cycle of a load
        self.row_loads: list[tuple[int, int, int, np.ndarray]] = []  # cycle, row, mask, weights
        self.column_loads: list[tuple[int, int, np.ndarray]] = []  # cycle, column, weights
        self.swaps: list[int] = []
        self.weights: list[np.ndarray] = []  # (C, R)
        swap, tokens = -1, 0
        for _ in range(TILES):
            weight = rng.integers(-128, 128, (cols, rows))
            self.weights.append(np.where(rng.random() < 0.1, -128, weight))
            offered = self._columns(swap) if rng.random() < 0.3 else self._rows(swap)
            swap = max(swap + tokens, offered) + int(rng.integers(0, 4) * rng.integers(0, 2))
            self.swaps.append(swap)
            tokens = int(rng.choice([1, rows, rng.integers(1, 2 * rows + 2)]))

    def _gap(self) -> int:
        return int(self.rng.integers(0, 3)) if self.rng.random() < 0.1 else 0

    def _rows(self, swap: int) -> int:
        """Load the last weights by rows, at once or in two halves; returns the first cycle for their swap."""
        cycle, first_swap = self.last, 0
        halves = [self.rng.integers(0, 2, self.cols)] if self.rng.random() < 0.3 else []
        masks = [half ^ flip for half in halves for flip in (0, 1)] or [np.ones(self.cols, int)]
        for row in range(self.rows):
            for mask in masks:
                cycle = max(cycle + 1, swap + row + 1) + self._gap()
                rubbish = self.rng.integers(-128, 128, self.cols)
                data = np.where(mask, self.weights[-1][:, row], rubbish)
                self.row_loads.append((cycle, row, pack_rows(mask[None], 1)[0], data))
                first_swap = max(first_swap, cycle - row)
        self.last = cycle
        return first_swap

    def _columns(self, swap: int) -> int:
        cycle = self.last
        for column in range(self.cols):
            cycle = max(cycle + 1, swap + self.rows) + self._gap()
            self.column_loads.append((cycle, column, self.weights[-1][column]))
        self.last = cycle
        return cycle

    def waves(self) -> dict[str, np.ndarray]:
        """The inputs, rubbish wherever nothing is said."""
        cycles, rng = self.swaps[-1] + 3 * self.rows + self.cols, self.rng
        tokens = rng.integers(-128, 256, (cycles, self.rows))
        ends = rng.choice([-128, 255], (cycles, 1))
        self.tokens = np.where(rng.random((cycles, 1)) < 0.1, ends, tokens)
        inputs = {"swap": np.zeros(cycles, int), "token": pack_rows(self.tokens, 9)}
        inputs["swap"][self.swaps] = 1
        lanes = max(self.rows, self.cols)
        index, data = rng.integers(0, lanes, cycles), rng.integers(-128, 128, (cycles, lanes))
        for name, loads in (("row", self.row_loads), ("column", self.column_loads)):
            load = np.zeros(cycles, int)
            for cycle, place, *_, weights in loads:
                load[cycle], index[cycle] = 1, place
                data[cycle] = self._turned(weights, place)
            inputs[f"weights_{name}"] = load
        masks = {cycle: mask for cycle, _, mask, _ in self.row_loads}
        inputs["weights_mask"] = [masks.get(cycle, 0) for cycle in range(cycles)]
        return inputs | {"weights_index": index, "weights_data": pack_rows(data, 8)}

    def _turned(self, weights: np.ndarray, place: int) -> np.ndarray:
        """A row or a column as the lanes of ``WeightLoad``."""
        block, lanes = min(self.rows, self.cols), max(self.rows, self.cols)
        blocks = np.resize(weights, (lanes // block, block))
        return np.roll(blocks, place % block, axis=1).reshape(-1)


@cocotb.test()
@cocotb.parametrize(size=bench_config()["sizes"])
async def equals_the_model(dut, size):
    rows, cols = size
    name, latency = f"r{rows}c{cols}", SystolicArray(rows, cols).latency
    schedule = Schedule(generator(), rows, cols)
    inputs = {f"{name}_{port}": values for port, values in schedule.waves().items()}
    await start(dut, inputs)
    seen = await play(dut, inputs, [f"{name}_result"], after=latency)
    got = unpack_rows(seen[f"{name}_result"][latency:], cols, sum_shape(rows).width, signed=True)
    # From the first swap on, whatever enters meets the weights of the tile that it falls into.
    begins = schedule.swaps[0]
    tile = np.searchsorted(schedule.swaps, np.arange(begins, len(got)), side="right") - 1
    want = [
        convolve(token[None], schedule.weights[t])[0]
        for token, t in zip(schedule.tokens[begins:], tile, strict=True)
    ]
    assert_equal(f"{name}: sum", got[begins:], want)
