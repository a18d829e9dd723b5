"""Streamer in Verilator."""

from pathlib import Path

import pytest

from hw.contract.config import CoreConfig
from hw.engine.streamer import Streamer
from hw.verilog import to_verilog
from sim.bench import bench


@pytest.mark.parametrize(
    "shape", [{"rows": 1, "cols": 1, "max_tokens": 2}, {"rows": 6, "cols": 3, "max_tokens": 11}]
)
def test_streamer(shape):
    verilog = to_verilog(Streamer(CoreConfig(**shape)), "streamer")
    bench([verilog], "streamer", Path(__file__).with_name("bench_streamer.py"), config=shape)
