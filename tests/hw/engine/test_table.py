"""LookupTable in Verilator."""

from pathlib import Path

from pointwise.hw.engine.table import LookupTable
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


def test_table():
    shape = {"readers": 3}
    verilog = to_verilog(LookupTable(**shape), "lookup")
    bench([verilog], "lookup", Path(__file__).with_name("bench_table.py"), config=shape)
