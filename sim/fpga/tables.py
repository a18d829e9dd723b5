"""Tables of the documents about builds for boards, from the reports in docs/results."""

import json
from pathlib import Path
from typing import Any

from .resources import total

REPORTS = "bitstream_*.json"
"""Files of docs/results that are reports of ``pointwise bitstream``."""
COLUMNS = {
    "lut4": "LUT4",
    "lut": "LUT",
    "carry": "carry cells",
    "lut_ram": "LUT memories",
    "shift_registers": "shift registers",
    "lut_places": "LUTs in all",
    "flip_flops": "flip-flops",
    "block_rams": "block RAMs",
    "multipliers": "multipliers",
}

SCARCE = ("lut_places", "flip_flops", "block_rams", "multipliers")
INPUTS = {"lut4": "LUT4", "lut": "LUT6"}
"""What the LUTs of a family are called by their inputs."""


def bitstreams(folder: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows of the builds, one a board; the clock is that of the core."""
    rows = [_build(json.loads(path.read_text())) for path in sorted(folder.glob(REPORTS))]
    header = ("board", "core", "clock reached, asked", "LUTs of the core a MAC", "with carry and memories")
    return (*header, "LUTs in all", "flip-flops", "block RAMs", "multipliers"), rows


def components(report: dict[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Header and rows of the components of one build, the largest first."""
    kinds = [kind for kind in COLUMNS if kind in report["resources"]["system"]]
    listed = {}
    for path, counts in report["components"].items():
        listed.setdefault(_name(path), {})[path] = counts
    sums = {name: total(parts) for name, parts in listed.items()}
    sums["all"] = report["resources"]["system"]
    order = sorted(sums, key=lambda name: (name == "all", -_weight(sums[name])))
    rows = [(name, *(f"{sums[name].get(kind, 0):,}" for kind in kinds)) for name in order]
    return ("component", *(COLUMNS[kind] for kind in kinds)), rows


def _name(path: str) -> str:
    """What a component is called in the table: units of the engine one by one, the others by their folder."""
    first, *inside = path.split(".")
    if first != "pointwise_core":
        return "LiteX: buses, SDRAM controller, UART"
    if not inside:
        return "`hw.core`"
    return f"`{'.'.join(inside[: 2 if inside[0] == 'engine' else 1])}`"


def _weight(counts: dict[str, int]) -> int:
    return counts["lut_places"]


def _build(report: dict[str, Any]) -> tuple[str, ...]:
    system, available, config = (
        report["resources"]["system"],
        report["resources"]["available"],
        report["config"],
    )
    lut = "lut4" if "lut4" in system else "lut"
    clock = "not placed here"
    if "clocks" in report:
        asked = report["clock_mhz"]
        reached = min(c["reached_mhz"] for c in report["clocks"].values() if abs(c["asked_mhz"] - asked) < 1)
        clock = f"{reached:.1f}, {asked:g} MHz"
    return (
        f"`{report['board']}`",
        f"{config['rows']}×{config['cols']}",
        clock,
        f"{report[f'{lut}_per_mac']:.1f} {INPUTS[lut]}",
        f"{report['lut_places_per_mac']:.1f}",
        *(f"{system[kind]:,} of {available[kind]:,}" for kind in SCARCE),
    )
