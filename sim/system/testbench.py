"""Builds the simulator of a core in its test bench."""

import re
from functools import cache

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.package.files import core_text
from pointwise.sim.build import CHECKERS, DRAM, RTL, Build, build, coverage_folder
from pointwise.sim.cover.points import module

TOP = "core_tb"
LARGE = 512
"""Cells of an array from which on Verilator moves no code to merge conditions: its time for that grows with
the square of the design (minutes at 32×32), and what it gains is small."""


@cache
def core_verilog(config: CoreConfig) -> str:
    """The Verilog text of a core; converting takes seconds, so a process does it once."""
    return core_text(config)


def for_waves(verilog: str) -> str:
    """Verilog of which waves hold what has a name, under names that viewers take.

    Half of what is written would be numbered wires between operators; Verilator leaves out what begins with
    an underscore. And a dot, between a structure and its field, is a level of the hierarchy to GTKWave.
    """

    def name(match: re.Match[str]) -> str:
        return "\\_$" if match[0] == "\\$" else match[0].replace(".", "__")

    return re.sub(r"\\\$|\\[^\s$]\S*", name, verilog)


def build_core(config: CoreConfig, *, waves: bool | str = False, optimise: str | None = None) -> Build:
    """Compile ``core_tb`` around a core, or find it compiled: images and inputs are not part of it.

    Where simulators count (``sim.build.COVERAGE``) it has the core's cover points and counts what has a name.

    Args:
        waves: be able to write waves, of the signals that have names; see ``build``.
        optimise: see ``build``; unless given ``-O2``, with waves ``-O1``, as their writing is compiled too.
    """
    large = config.rows * config.cols > LARGE
    verilog = core_verilog(config)
    counts = coverage_folder() is not None
    points = [module(config)] if counts else []
    named = for_waves(verilog) if waves or counts else verilog
    return build(
        [named, *CHECKERS, *DRAM, RTL / "timeline.sv", *points, RTL / "core_tb.sv"],
        TOP,
        name=f"core-{config.rows}x{config.cols}",
        parameters={"DATA_WIDTH": config.axi_data_width, "ADDR_WIDTH": config.axi_addr_width},
        defines={"COVER_POINTS": "1"} if counts else None,
        waves=waves,
        optimise=optimise or ("-O1" if waves else "-O2"),
        arguments=["-fno-merge-cond-motion"] if large else (),
    )
