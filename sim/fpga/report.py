"""``report.json`` of a build for a board, and the tables of it in the terminal."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pointwise.hw.boards.system import System
from pointwise.hw.contract.files import write_file

from .place import Placement
from .resources import count, total
from .tools import Tools

REPORT = "report.json"
CORE = "pointwise_core"
"""The core's path in the netlist."""


def make_report(
    system: System,
    tools: Tools,
    seconds: dict[str, float],
    netlist: str,
    placements: Sequence[Placement],
    failures: Mapping[int, str],
) -> dict[str, Any]:
    """Everything that was measured of a build, before there is a bitstream.

    Args:
        system: that was built. tools: that it was built with. seconds: of each stage.
        netlist: the file that was placed. placements: of every seed that did not fail, best first; none where
            the board's tools do not place. failures: what became of the others.
    """
    components = count(system.gateware / netlist, system.board.family)
    core, macs = total(components, CORE), system.config.rows * system.config.cols
    kinds = ("lut4" if system.board.family == "ecp5" else "lut", "lut_places")
    per_mac = {f"{kind}_per_mac": core[kind] / macs for kind in kinds}
    report: dict[str, Any] = {
        "board": system.board.name,
        "family": system.board.family,
        "device": list(system.board.device),
        "config": dataclasses.asdict(system.config),
        "clock_mhz": system.clock_mhz,
        "timing_met": bool(placements) and placements[0].margin >= 1,
        "bitstream": None,
        "resources": {"system": total(components), "core": core, "available": system.board.available},
        **per_mac,
        "components": components,
        "seconds": seconds,
        "tools": {name: tools.version(name) for name in ("yosys", *(["nextpnr-ecp5"] if placements else []))},
    }
    if placements:
        best = placements[0]
        report |= {
            "seed": best.seed,
            "clocks": best.clocks,
            "crossings": best.crossings,
            "critical_paths": best.paths,
            "seeds": [
                {"seed": p.seed, "clocks": p.clocks, "crossings": p.crossings, "seconds": p.seconds}
                for p in placements
            ],
            "failed_seeds": dict(failures),
        }
    return _rounded(report)


def _rounded(value: Any) -> Any:
    """Whatever JSON can say, with two digits behind the point; what is judged is judged before."""
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_rounded(part) for part in value]
    return round(value, 2) if isinstance(value, float) else value


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
