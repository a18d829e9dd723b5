"""Accumulator in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.engine.accumulator import Accumulator
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize(
    "shape", [{"rows": 1, "cols": 1, "max_tokens": 2}, {"rows": 16, "cols": 5, "max_tokens": 13}]
)
def test_accumulator(shape):
    verilog = to_verilog(Accumulator(**shape), "accumulator")
    bench([verilog], "accumulator", Path(__file__).with_name("bench_accumulator.py"), config=shape)
