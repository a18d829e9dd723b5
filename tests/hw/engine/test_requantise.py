"""Requantise in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.requantise import Requantise
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize(
    "shape",
    [
        {"rows": 1, "cols": 1},
        {"rows": 8, "cols": 16, "post_lanes": 4},
    ],
)
def test_requantise(shape):
    verilog = to_verilog(Requantise(CoreConfig(**shape)), "requantise")
    bench([verilog], "requantise", Path(__file__).with_name("bench_requantise.py"), config=shape)
