"""``pointwise verilog``."""

from rich.console import Console

from hw.contract.config import CoreConfig
from hw.contract.files import write_file
from sim.build import build_root

from . import options
from .options import core_name, with_core


@with_core
def command(
    core: CoreConfig,
    out: options.Out = None,
) -> None:
    """Write the Verilog of a core, and its configuration as JSON.

    The same parameters give the same text on every run.
    """
    from sim.system.testbench import CORE, core_verilog

    folder = out or build_root() / f"verilog-{core_name(core)}"
    text = core_verilog(core)
    write_file(folder / f"{CORE}.v", text)
    write_file(folder / f"{CORE}.json", core.to_json())
    console = Console()
    console.print(f"{folder / CORE}.v: {core_name(core)} core, {text.count(chr(10)):,} lines", soft_wrap=True)
    console.print(f"{folder / CORE}.json: its configuration", soft_wrap=True)
