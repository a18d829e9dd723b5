"""StreamPrefetch for rows narrower than, as wide as and wider than the bus."""

from functools import cache
from pathlib import Path

import pytest

from pointwise.hw.bus.prefetch import StreamPrefetch
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from tests.hw.side_by_side import SideBySide

BENCH = Path(__file__).with_name("bench_prefetch.py")
SHAPES = [(32, 64), (512, 1), (128, 16), (64, 3), (32, 1), (512, 33)]
"""(bits of the bus, columns)"""


@cache
def made() -> tuple[str, dict[str, dict[str, int]]]:
    """The Verilog, and what the bench has to know of each unit in it."""
    units, shapes = {}, {}
    for width, cols in SHAPES:
        config = CoreConfig(rows=cols, cols=cols, axi_data_width=width)
        name = f"bus{width}_cols{cols}"
        units[name] = StreamPrefetch(config)
        shapes[name] = {"row_bytes": config.row_bytes, "bus_bytes": config.bus_bytes}
    return to_verilog(SideBySide(units), "prefetch"), shapes


@pytest.mark.parametrize(("stall", "test"), [(0, "rows"), (0.4, "rows"), (0, "ahead")])
def test_prefetch(stall, test):
    verilog, shapes = made()
    config = {"shapes": shapes, "stall": stall, "streams": 20}
    bench([verilog], "prefetch", BENCH, config=config, testcase=rf"\.{test}$")
