"""TileSequencer in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.tile_sequencer import TileSequencer
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench

SETTLE = 30


@pytest.mark.parametrize(
    "shape",
    [
        {"rows": 1, "cols": 1, "max_tokens": 6},
        {"rows": 4, "cols": 8, "post_lanes": 2, "max_tokens": 20},
        {"rows": 6, "cols": 3, "max_tokens": 20},
    ],
)
def test_walker(shape):
    verilog = to_verilog(TileSequencer(CoreConfig(**shape), SETTLE), "walker")
    config = {"core": shape, "settle": SETTLE}
    bench([verilog], "walker", Path(__file__).with_name("bench_tile_sequencer.py"), config=config)
