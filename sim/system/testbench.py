"""Builds the simulator of a core in its test bench."""

from functools import cache

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.package.files import core_text
from pointwise.sim.build import CHECKERS, DRAM, RTL, Build, build

TOP = "core_tb"
LARGE = 512
"""Cells of an array from which on Verilator moves no code to merge conditions: its time for that grows with
the square of the design (minutes at 32×32), and what it gains is small."""


@cache
def core_verilog(config: CoreConfig) -> str:
    """The Verilog text of a core; converting takes seconds, so a process does it once."""
    return core_text(config)


def build_core(config: CoreConfig, *, waves: bool = False, optimise: str = "-O2") -> Build:
    """Compile ``core_tb`` around a core, or find it compiled: images and inputs are not part of it."""
    large = config.rows * config.cols > LARGE
    return build(
        [core_verilog(config), *CHECKERS, *DRAM, RTL / "timeline.sv", RTL / "core_tb.sv"],
        TOP,
        name=f"core-{config.rows}x{config.cols}",
        parameters={"DATA_WIDTH": config.axi_data_width, "ADDR_WIDTH": config.axi_addr_width},
        waves=waves,
        optimise=optimise,
        arguments=["-fno-merge-cond-motion"] if large else (),
    )
