"""DmaEngine for words narrower and wider than the bus, padded and not."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.memory.dma import DmaEngine
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from tests.hw.side_by_side import SideBySide

BENCH = Path(__file__).with_name("bench_dma.py")
SHAPES = [(32, 1), (64, 3), (32, 8), (128, 16), (512, 5)]
"""(bits of the bus, rows)"""


@cache
def made() -> tuple[str, dict[str, dict[str, Any]]]:
    """The Verilog, and what the bench has to know of each unit in it."""
    units, shapes = {}, {}
    for width, rows in SHAPES:
        # 1024 words a memory, in four banks and in one.
        config = CoreConfig(rows=rows, cols=rows, axi_data_width=width, act_kib=rows, res_kib=2 * rows)
        name = f"bus{width}_rows{rows}"
        units[name] = DmaEngine(config)
        shapes[name] = {
            "rows": rows,
            "bus_bytes": config.bus_bytes,
            "act": [config.act_words, config.act_banks],
            "res": [config.res_words, 1],
            "swept": config.swept_words,
        }
    return to_verilog(SideBySide(units), "dma"), shapes


@pytest.mark.parametrize(
    ("stall", "test"), [(0, "blocks"), (0.4, "blocks"), (0, "rate"), (0.4, "overflow"), (0, "sweep")]
)
def test_dma(stall, test):
    verilog, shapes = made()
    config = {"shapes": shapes, "stall": stall, "blocks": 20}
    bench([verilog], "dma", BENCH, config=config, testcase=rf"\.{test}$")
