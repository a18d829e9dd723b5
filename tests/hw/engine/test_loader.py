"""Loader in Verilator, with square, tall and wide tiles."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.timing import READ_LATENCY
from pointwise.hw.engine.loader import Loader
from pointwise.hw.engine.prologue import Prologue
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from tests.slow import few

LATENCY = READ_LATENCY + Prologue.LATENCY
SHAPES = ({"rows": 1, "cols": 1}, {"rows": 8, "cols": 4}, {"rows": 3, "cols": 9}, {"rows": 5, "cols": 5})


@pytest.mark.parametrize("shape", few(SHAPES, SHAPES[::2]))
def test_loader(shape):
    verilog = to_verilog(Loader(CoreConfig(**shape), LATENCY), "loader")
    config = {"core": shape, "latency": LATENCY}
    bench([verilog], "loader", Path(__file__).with_name("bench_loader.py"), config=config)
