"""Verilog to a netlist of the FPGA's cells, with Yosys."""

import hashlib
from collections.abc import Callable

from pointwise.hw.boards.system import TOP, System
from pointwise.hw.contract.files import write_file
from pointwise.hw.package.files import TOP as CORE

from .products import hold_products
from .tools import Tools, run

NETLIST, SCRIPT = "netlist.json", "synthesis.ys"
NET_PS = 1400
"""What a net of a full chip takes, in ps. With the 300 of Yosys a path of many gates looks short beside
a block RAM, and is mapped for area."""
MAPPED = "mapped.json"
"""The netlist as Yosys leaves it."""


def commands(family: str, top: str, *, apart: str = "", options: str = "") -> list[str]:
    """Yosys' commands that map the modules that were read to the cells of a family.

    Args:
        family: as in ``Board``. top: the module.
        apart: a module inside it that is mapped by itself, so that what it takes can be told, and because
            what is shorter than the longest path of all is mapped for area: that may be in a slower clock.
        options: more of an ECP5's pass, such as ``-nodsp``.
    """
    before = [f"setattr -mod -set keep_hierarchy 1 {apart}"] if apart else []
    after = [f"setattr -mod -unset keep_hierarchy {apart}", "flatten", "clean"] if apart else []
    if family == "xilinx7":
        synthesis = f"synth_xilinx -family xc7 -flatten -top {top} -run"
        return [*before, f"{synthesis} begin:check", *after, f"{synthesis} check:"]
    synthesis = " ".join(filter(None, (f"synth_ecp5 -top {top}", options, "-run")))
    # Yosys' own sequence, but for the delay of a net, for which its pass has no option.
    return [
        *before,
        f"{synthesis} begin:map_luts",
        "techmap -map +/lattice/latches_map.v",
        f"abc9 -W {NET_PS}",
        "clean",
        f"{synthesis} map_cells:check",
        *after,
        f"{synthesis} check:",
    ]


def synthesise(system: System, tools: Tools, *, tell: Callable[[str], None] = lambda text: None) -> float:
    """Write ``netlist.json`` of a system beside its sources; seconds of Yosys, 0 if it need not run.

    What it wrote is kept under a hash of the sources, the script and Yosys' version, so that other seeds of
    place and route do not synthesise again.

    Raises:
        PointwiseError: Yosys is not there, or failed.
    """
    # The tools of the wheels see the folder that they run in, and not all of the others.
    script = [f"read_verilog {source.relative_to(system.gateware)}" for source in system.verilog]
    script += [*commands(system.board.family, TOP, apart=CORE), f"write_json {MAPPED}", "stat"]
    texts = [*script, tools.version("yosys"), *system.texts()]
    key = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    mapped, stamp, seconds = system.gateware / MAPPED, system.gateware / f"{MAPPED}.key", 0.0
    kept = mapped.exists() and stamp.exists() and stamp.read_text() == key
    stamp.unlink(missing_ok=True)
    if not kept:
        write_file(system.gateware / SCRIPT, "\n".join(script) + "\n")
        command = [*tools.command("yosys"), "-s", SCRIPT]
        log = system.folder / "synthesis.log"
        seconds = run(command, log, folder=system.gateware, name="synthesis", tell=tell)
    hold_products(mapped, system.gateware / NETLIST)
    # Only now: a netlist that nobody can read must not be taken for the next build.
    write_file(stamp, key)
    return seconds
