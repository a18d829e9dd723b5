"""RowMax in Verilator."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.engine.row_max import RowMax
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench


@pytest.mark.parametrize(
    "shape",
    [
        {"rows": 1, "cols": 1, "max_tokens": 3},
        {"rows": 6, "cols": 12, "post_lanes": 3, "max_tokens": 40},
    ],
)
def test_row_max(shape):
    verilog = to_verilog(RowMax(CoreConfig(**shape)), "maxima")
    bench([verilog], "maxima", Path(__file__).with_name("bench_row_max.py"), config=shape)
