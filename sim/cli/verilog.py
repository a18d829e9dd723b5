"""``pointwise verilog``."""

from rich.console import Console

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.files import write_file
from pointwise.sim.build import build_root
from pointwise.sim.locks import hold

from . import options
from .options import core_name, core_words, with_core

ABOUT = {
    "_core.v": "the core, all modules, with the memory cell pointwise_ram",
    "_aresetn.v": "the core with aclk and an active-low aresetn, for those who want it so",
    ".json": "its configuration, for pointwise compile --config and other software",
    "_pkg.sv": "widths and register addresses, for designs around it",
    "_example.sv": "a design around it: it runs an image once",
    "_ram.sv": "the memory of that design",
    ".rdl": "its registers in SystemRDL, for tools that make documents or models of them",
    "_registers.h": "its registers and error codes in C",
    "pointwise.h": "the driver in C: what it does, and how to use it",
    "pointwise.c": "the driver",
    "_linux.c": "a program for Linux that runs an image with it, through UIO or /dev/mem",
    ".vlt": "what Verilator's lint may object to in the core, and why",
    ".core": "FuseSoC's description (CAPI2) of all this",
}
"""What a file is, by how its name ends."""


@with_core
def command(
    core: CoreConfig,
    out: options.Out = None,
) -> None:
    """Write the Verilog of a core, its configuration, and what other tools want beside them.

    The same parameters give the same text on every run.
    """
    from pointwise.hw.package import package
    from pointwise.sim.system.testbench import core_verilog

    folder = out or build_root() / f"verilog-{core_name(core)}"
    hold(folder)
    title = f"{core_words(core)} core"
    table = options.new_table(title, ("file", "left"), ("lines", "right"), ("what", "left"))
    for name, text in package(core, core_verilog(core)).items():
        write_file(folder / name, text)
        about = next((line for ending, line in ABOUT.items() if name.endswith(ending)), "")
        table.add_row(name, f"{text.count(chr(10)):,}", about)
    console = Console(markup=False)
    console.print(table)
    console.print(f"in {folder}", soft_wrap=True)
