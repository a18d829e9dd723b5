"""Streamer in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.streamer import Streamer
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize(
    "shape", [{"rows": 1, "cols": 1, "max_tokens": 2}, {"rows": 6, "cols": 3, "max_tokens": 11}]
)
def test_streamer(shape):
    verilog = to_verilog(Streamer(CoreConfig(**shape)), "streamer")
    bench([verilog], "streamer", Path(__file__).with_name("bench_streamer.py"), config=shape)
