"""The folder that ``pointwise verilog`` writes: everything that a flow needs, and nothing else."""

from pathlib import Path

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.core import Core
from pointwise.hw.verilog import to_verilog

from .aresetn import WRAPPER, wrapper
from .c_header import HEADER, c_header
from .constants import PACKAGE, constants
from .fusesoc import core_file
from .interfaces import annotated
from .system_rdl import RDL, system_rdl

TOP = "pointwise_core"
"""The Verilog module of a core."""
HERE = Path(__file__).parent
EXAMPLE = ("axi_block_ram.sv", "pointwise_example.sv")
"""A design around a core, from the lowest module up."""
DRIVER = ("pointwise.h", "pointwise.c", "pointwise_linux.c")
"""A driver in C, and a program for Linux that uses it."""
WAIVERS = HERE.parent / "lint.vlt"


def core_text(config: CoreConfig) -> str:
    """The Verilog of a core, all modules in one text, with the attributes of its interfaces."""
    return annotated(to_verilog(Core(config), TOP), TOP, config)


def package(config: CoreConfig, verilog: str) -> dict[str, str]:
    """Files by name: Verilog with its memory cell, configuration, FuseSoC description, example, and driver.

    Args:
        verilog: from ``core_text``; converting takes seconds, and a process may have done it before.
    """
    return {
        f"{TOP}.v": verilog,
        f"{WRAPPER}.v": wrapper(config, TOP),
        f"{TOP}.json": config.to_json(),
        f"{PACKAGE}.sv": constants(config),
        **{name: (HERE / name).read_text() for name in EXAMPLE},
        RDL: system_rdl(config),
        HEADER: c_header(config),
        **{name: (HERE / "software" / name).read_text() for name in DRIVER},
        WAIVERS.name: WAIVERS.read_text(),
        "pointwise.core": core_file(config, (f"{TOP}.v", f"{WRAPPER}.v"), (f"{PACKAGE}.sv", *EXAMPLE)),
    }
