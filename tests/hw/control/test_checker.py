"""ImageChecker on every width of the bus."""

from functools import cache
from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.control.checker import ImageChecker
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from tests.hw.side_by_side import SideBySide
from tests.slow import few

SHAPES = {
    "bus32": {"axi_data_width": 32, "rows": 1, "cols": 1},
    "bus64": {"axi_data_width": 64, "rows": 8, "cols": 4, "max_tokens": 2},
    "bus128": {"axi_data_width": 128, "max_tokens": 1024},
    "bus512": {"axi_data_width": 512, "rows": 64, "cols": 64, "post_lanes": 1},
}


@cache
def verilog() -> str:
    units = {name: ImageChecker(CoreConfig(**shape)) for name, shape in SHAPES.items()}
    return to_verilog(SideBySide(units), "checker_bench")


@pytest.mark.parametrize("stall", few((0, 0.3), (0.3,)))
def test_checker(stall):
    config = {"shapes": SHAPES, "stall": stall}
    bench([verilog()], "checker_bench", Path(__file__).with_name("bench_checker.py"), config=config)
