"""ProgramFetch on every width of the bus."""

from functools import cache
from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.control.program import ProgramFetch
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import bench
from tests.hw.side_by_side import SideBySide
from tests.slow import few

SHAPES = [(64, 197), (128, 1024), (32, 2), (512, 256)]
"""(bits of the bus, most tokens)"""


@cache
def made() -> tuple[str, dict[str, dict[str, int]]]:
    """The Verilog, and the configuration of each unit in it."""
    units, shapes = {}, {}
    for width, tokens in SHAPES:
        shapes[f"bus{width}"] = {"axi_data_width": width, "max_tokens": tokens}
        units[f"bus{width}"] = ProgramFetch(CoreConfig(**shapes[f"bus{width}"]))
    return to_verilog(SideBySide(units), "program"), shapes


@pytest.mark.parametrize("stall", few((0, 0.4), (0.4,)))
def test_program(stall):
    verilog, shapes = made()
    config = {"shapes": shapes, "stall": stall}
    bench([verilog], "program", Path(__file__).with_name("bench_program.py"), config=config)
