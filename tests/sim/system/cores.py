"""Small cores of many shapes."""

from functools import cache

from pointwise.hw.contract.config import CoreConfig
from pointwise.sim.build import Build
from pointwise.sim.system.testbench import build_core


def small(rows: int, cols: int, **changes: int) -> CoreConfig:
    """A core with little memory: it compiles fast, and small networks fill it."""
    values = {"max_tokens": 64, "act_kib": 32, "act_banks": 2, "res_kib": 16, "axi_data_width": 64} | changes
    return CoreConfig(rows=rows, cols=cols, **values)


SHAPES = {
    "1x1": small(1, 1, max_tokens=32, act_banks=1, axi_data_width=32, axi_burst=4),
    "2x2": small(2, 2, post_lanes=1, axi_data_width=32),
    "4x4": small(4, 4),
    "8x8": small(8, 8, post_lanes=4, max_tokens=100, act_banks=3),
    "16x16": small(16, 16, max_tokens=100, act_banks=4, axi_data_width=128),
    "8x16": small(8, 16, post_lanes=4, axi_data_width=256),
    "16x8": small(16, 8, post_lanes=8, act_banks=4),
    "3x6": small(3, 6, max_tokens=40, axi_data_width=512, axi_burst=8),
}
"""Cores by name; every parameter takes several values."""
FEW = ("1x1", "4x4", "3x6")
"""Those that ``make test`` compiles."""


@cache
def simulator(shape: str) -> Build:
    """The simulator of a core of ``SHAPES``."""
    return build_core(SHAPES[shape], optimise="-O0")
