"""Denominator in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.denominator import Denominator
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize(
    "shape",
    [
        {"rows": 1, "cols": 1, "max_tokens": 3},
        {"rows": 6, "cols": 12, "post_lanes": 3, "max_tokens": 40},
    ],
)
def test_denominator(shape):
    verilog = to_verilog(Denominator(CoreConfig(**shape)), "denominator")
    bench([verilog], "denominator", Path(__file__).with_name("bench_denominator.py"), config=shape)
