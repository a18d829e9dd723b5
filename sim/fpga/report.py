"""``report.json`` of a build for a board, and the tables of it in the terminal."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hw.boards.system import System
from hw.contract.files import write_file

from .place import Placement
from .resources import count, total
from .synthesis import NETLIST
from .tools import Tools

REPORT = "report.json"
CORE = "pointwise_core"
"""The core's path in the netlist."""


def make_report(
    system: System,
    tools: Tools,
    seconds: dict[str, float],
    placements: Sequence[Placement],
    bitstream: Path | None,
) -> dict[str, Any]:
    """Everything that was measured of a build.

    Args:
        system: that was built. tools: that it was built with. seconds: of each stage.
        placements: of every seed, best first; none where the board's tools do not place.
        bitstream: the file, or None where there is none.
    """
    components = count(system.gateware / NETLIST, system.board.family)
    core, macs = total(components, CORE), system.config.rows * system.config.cols
    lut = "lut4" if system.board.family == "ecp5" else "lut"
    per_mac = {f"{lut}_per_mac": round(core[lut] / macs, 1)}
    if "lut_places" in core:
        per_mac["lut_places_per_mac"] = round(core["lut_places"] / macs, 1)
    report: dict[str, Any] = {
        "board": system.board.name,
        "family": system.board.family,
        "device": list(system.board.device),
        "config": dataclasses.asdict(system.config),
        "clock_mhz": system.clock_mhz,
        "timing_met": bool(placements) and placements[0].margin >= 1,
        "bitstream": bitstream.name if bitstream else None,
        "resources": {"system": total(components), "core": core, "available": system.board.available},
        **per_mac,
        "components": components,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "tools": {name: tools.version(name) for name in _tool_names(system)},
    }
    if placements:
        best = placements[0]
        report |= {
            "seed": best.seed,
            "clocks": best.clocks,
            "crossings": best.crossings,
            "critical_paths": best.paths,
            "seeds": [
                {
                    "seed": p.seed,
                    "clocks": p.clocks,
                    "crossings": p.crossings,
                    "seconds": round(p.seconds, 1),
                }
                for p in placements
            ],
        }
    return report


def save(report: dict[str, Any], folder: Path) -> Path:
    """Write ``report.json``; returns its path. Raises PointwiseError when it cannot be written."""
    write_file(folder / REPORT, json.dumps(report, indent=1) + "\n")
    return folder / REPORT


def show(report: dict[str, Any], console: Console) -> None:
    """Resources and clocks as tables."""
    resources = report["resources"]
    table = Table(title=f"{report['board']}: resources", title_justify="left")
    for name in ("", "system", "core", "available"):
        table.add_column(name, justify="right" if name else "left")
    for kind, used in resources["system"].items():
        available = resources["available"].get(kind)
        share = f"{available:,} ({100 * used / available:.0f}% used)" if available else ""
        table.add_row(kind.replace("_", " "), f"{used:,}", f"{resources['core'][kind]:,}", share)
    for name in ("lut4_per_mac", "lut_places_per_mac", "lut_per_mac"):
        if name in report:
            table.add_row(name.replace("_", " "), "", f"{report[name]:.1f}", "")
    console.print(table)
    if "clocks" not in report:
        return
    table = Table(title=f"clocks, seed {report['seed']}", title_justify="left")
    for name in ("clock", "reached", "asked", ""):
        table.add_column(name, justify="left" if name == "clock" else "right")
    for name, clock in report["clocks"].items():
        met = "met" if clock["reached_mhz"] >= clock["asked_mhz"] else "NOT MET"
        table.add_row(name, f"{clock['reached_mhz']:.1f} MHz", f"{clock['asked_mhz']:.1f} MHz", met)
    for name, way in report["crossings"].items():
        met = "met" if way["ns"] <= way["allowed_ns"] else "NOT MET"
        table.add_row(name, f"{way['ns']:.1f} ns", f"{way['allowed_ns']:.1f} ns", met)
    console.print(table)


def _tool_names(system: System) -> tuple[str, ...]:
    return ("yosys", "nextpnr-ecp5") if system.board.family == "ecp5" else ("yosys",)
