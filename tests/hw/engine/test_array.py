"""SystolicArray in Verilator, in eight shapes at once."""

from pathlib import Path

from pointwise.hw.engine.array import SystolicArray
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from tests.hw.side_by_side import SideBySide

SIZES = ((1, 1), (1, 4), (4, 1), (3, 3), (2, 8), (8, 2), (5, 5), (16, 16))


def test_array():
    arrays = {f"r{rows}c{cols}": SystolicArray(rows, cols) for rows, cols in SIZES}
    verilog = to_verilog(SideBySide(arrays), "arrays")
    bench([verilog], "arrays", Path(__file__).with_name("bench_array.py"), config={"sizes": SIZES})
