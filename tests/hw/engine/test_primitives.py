"""The functions of hw.engine.primitives in Verilator."""

from pathlib import Path

from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from tests.hw.engine.primitive_units import Products, Scalars, Trees
from tests.hw.side_by_side import SideBySide


def test_cells():
    units = {"trees": Trees(), "scalars": Scalars(), "products": Products()}
    verilog = to_verilog(SideBySide(units), "cells")
    bench([verilog], "cells", Path(__file__).with_name("bench_primitives.py"))
