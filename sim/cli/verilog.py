"""``pointwise verilog``."""

from rich.console import Console

from hw.contract.files import write_file
from sim.build import build_root

from . import options
from .options import core_config, core_name


def command(
    out: options.Out = None,
    config: options.Config = None,
    rows: options.Rows = None,
    cols: options.Cols = None,
    post_lanes: options.PostLanes = None,
    max_tokens: options.MaxTokens = None,
    act_kib: options.ActKib = None,
    act_banks: options.ActBanks = None,
    res_kib: options.ResKib = None,
    axi_data_width: options.AxiDataWidth = None,
) -> None:
    """Write the Verilog of a core, and its configuration as JSON.

    The same parameters give the same text on every run.
    """
    core = core_config(
        config,
        rows=rows,
        cols=cols,
        post_lanes=post_lanes,
        max_tokens=max_tokens,
        act_kib=act_kib,
        act_banks=act_banks,
        res_kib=res_kib,
        axi_data_width=axi_data_width,
    )
    from sim.system.testbench import CORE, core_verilog

    folder = out or build_root() / f"verilog-{core_name(core)}"
    text = core_verilog(core)
    write_file(folder / f"{CORE}.v", text)
    write_file(folder / f"{CORE}.json", core.to_json())
    console = Console()
    console.print(f"{folder / CORE}.v: {core_name(core)} core, {text.count(chr(10)):,} lines", soft_wrap=True)
    console.print(f"{folder / CORE}.json: its configuration", soft_wrap=True)
