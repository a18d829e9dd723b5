"""A core as synthesis leaves it, made of the cells of an ECP5, in the core's own test bench."""

import hashlib
import inspect
import sys
from functools import cache, partial

from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.files import write_file
from pointwise.hw.package.files import TOP as CORE
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.sim.build import CHECKERS, DRAM, RTL, Build, build, build_root, locked
from pointwise.sim.fpga import products
from pointwise.sim.fpga.synthesis import MAPPED, NETLIST, commands
from pointwise.sim.fpga.tools import Tools, run

from .run import CoreRun, run_core
from .testbench import TOP, build_core, core_verilog

FAMILY = "ecp5"
MODELS = ("common_sim.vh", "ccu2c_sim.vh")
"""Yosys' own simulation models of the cells, in its folder of the family."""
BLACK_BOXES = (RTL / "ecp5_block_ram.sv", RTL / "ecp5_multiplier.sv")
"""Models of the cells for which Yosys has none."""
SEED = 1
"""Of the program that a netlist runs."""
SMALL = CoreConfig(
    rows=2,
    cols=2,
    post_lanes=1,
    max_tokens=32,
    act_kib=8,
    res_kib=4,
    act_banks=1,
    axi_data_width=32,
    axi_burst=4,
)
"""Most of it is control, which is the same in all sizes; it has block RAMs and multipliers too."""
NO_TIMELINE = "module timeline (input logic clk);\nendmodule\n"
"""A netlist has no instances to look into."""


@cache
def core_netlist(config: CoreConfig) -> str:
    """The flat netlist of a core as Verilog text, from the passes that bitstreams are made with.

    It is kept in the build folder under a hash of the core, the scripts, our own pass and Yosys' version.

    Raises:
        PointwiseError: Yosys is not there, or failed.
    """
    tools = Tools()
    scripts = {
        "synthesis": ("read_verilog core.v", *commands(FAMILY, CORE), f"write_json {MAPPED}"),
        "writing": (
            f"read_json {NETLIST}",
            # The names of a flat netlist are half of its text.
            "rename -hide w:* c:*",
            "rename -enumerate -pattern n%",
            "write_verilog -noattr netlist.v",
        ),
    }
    texts = (core_verilog(config), str(scripts), inspect.getsource(products), tools.version("yosys"))
    key = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]
    folder = build_root() / "netlists" / f"{config.rows}x{config.cols}-{key}"
    with locked(folder):
        if not (folder / "done").exists():
            write_file(folder / "core.v", texts[0])
            for name, lines in scripts.items():
                write_file(folder / f"{name}.ys", "\n".join(lines) + "\n")
                command = [*tools.command("yosys"), "-s", f"{name}.ys"]
                run(command, folder / f"{name}.log", folder=folder, name=name)
                if name == "synthesis":
                    products.hold_products(folder / MAPPED, folder / NETLIST)
            write_file(folder / "done", "")
    return (folder / "netlist.v").read_text()


def build_netlist(config: CoreConfig) -> Build:
    """Compile ``core_tb`` around the netlist of a core, or find it compiled; it knows no ``+timeline``.

    Raises:
        PointwiseError: a tool is missing or fails.
    """
    return build_around(core_netlist(config), config)


def build_around(netlist: str, config: CoreConfig) -> Build:
    """The same for a netlist that is given."""
    share = Tools().share() / FAMILY
    models = [share / name for name in MODELS]
    return build(
        [netlist, *models, *BLACK_BOXES, *CHECKERS, *DRAM, NO_TIMELINE, RTL / "core_tb.sv"],
        TOP,
        name=f"netlist-{config.rows}x{config.cols}",
        parameters={"DATA_WIDTH": config.axi_data_width, "ADDR_WIDTH": config.axi_addr_width},
        defines={"NO_INCLUDES": "1"},
        # The text is large and the run short: compiling takes longer than what a better program would save.
        optimise="-O0",
    )


def both_ways(config: CoreConfig) -> tuple[CoreRun, CoreRun]:
    """What one program does on a core as it was written and on its netlist, behind a bus that stalls."""
    network = random_network(SEED)
    compiled = compile_network(network, config)
    blocks = [compiled.pack_input(random_image(network, SEED))]
    written, cells = (
        run_core(made(config), compiled, blocks, plusargs={"latency": 9, "stall_r": 100})
        for made in (partial(build_core, optimise="-O0"), build_netlist)
    )
    return written, cells


def main() -> None:
    """Run one program on a preset's core as written and on its netlist, and tell whether they are the same.

    Half an hour at most for the ULX3S's core; the name of another preset may be given.
    """
    name = sys.argv[1] if len(sys.argv) > 1 else FAMILY
    written, cells = both_ways(PRESETS[name])
    same = written.outputs == cells.outputs and written.images == cells.images
    cycles = " and ".join(f"{run.images[0].cycles:,}" for run in (written, cells))
    print(f"{name}: {cycles} cycles, outputs and counters {'the same' if same else 'differ'}")
    sys.exit(not same)


if __name__ == "__main__":
    main()
