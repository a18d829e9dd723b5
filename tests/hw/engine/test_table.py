"""LookupTable in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.engine.table import LookupTable
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize("lanes", [1, 4])
def test_table(lanes):
    shape = {"readers": 3, "lanes": lanes}
    verilog = to_verilog(LookupTable(**shape), "lookup")
    bench([verilog], "lookup", Path(__file__).with_name("bench_table.py"), config=shape)
