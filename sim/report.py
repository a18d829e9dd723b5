"""What a simulation gave, as a table for people and as ``report.json`` for programs."""

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from hw.contract.files import write_file
from hw.contract.registers import Cause

from .simulate import Simulation

CAUSES = {
    Cause.DEPEND: "waiting for earlier results",
    Cause.TILE: "waiting for weights or tables",
    Cause.SHORT: "tiles shorter than their load",
    Cause.OUTPUT: "waiting for the epilogue",
    Cause.BANK: "SRAM bank taken",
    Cause.IDLE: "no convolution at hand",
}


def as_dict(simulation: Simulation, wall_seconds: float) -> dict[str, Any]:
    """Everything of a run, JSON-able.

    ``cycles`` and what follows from them are those of one image, from start to done. ``macs`` counts useful
    multiply-accumulates. ``top1_*`` are fractions over the images that ran, null where there are no labels.
    """
    config = simulation.config
    causes = simulation.causes
    useful = simulation.workload.network.macs / (config.rows * config.cols)
    return {
        "network": simulation.workload.name,
        "array": [config.rows, config.cols],
        "images": len(simulation.logits),
        "tensors_compared": simulation.tensors_compared,
        "mismatches": len(simulation.mismatches),
        "first_mismatch": str(simulation.mismatches[0]) if simulation.mismatches else None,
        "top1_float": simulation.top1_float,
        "top1_int": simulation.top1_int,
        "top1_hw": simulation.top1_hw,
        "macs": simulation.workload.network.macs,
        "cycles": simulation.cycles,
        "check_cycles": simulation.check_cycles,
        "mac_utilisation": simulation.utilisation,
        "useful_cycles": useful,
        "edge_cycles": causes[Cause.STREAM] - useful,
        "stall_cycles": {cause.name.lower(): causes[cause] for cause in Cause if cause != Cause.STREAM},
        "memory": simulation.memory,
        "image_bytes": len(simulation.compiled.image),
        "simulated_cycles": simulation.simulated_cycles,
        "sim_khz": simulation.simulated_cycles / simulation.seconds / 1000,
        "simulation_seconds": simulation.seconds,
        "wall_seconds": wall_seconds,
        "config": json.loads(config.to_json()),
    }


def write(report: dict[str, Any], folder: Path) -> Path:
    """Write ``report.json`` into ``folder``, whole or not at all."""
    path = Path(folder) / "report.json"
    write_file(path, json.dumps(report, indent=2) + "\n")
    return path


def table(report: dict[str, Any]) -> Table:
    """The report as a table for the terminal."""
    rows, cols = report["array"]
    result = Table(title=f"{report['network']} on a {rows}×{cols} core", show_header=False, title_justify="left")
    result.add_column(style="bold")
    result.add_column(justify="right")
    result.add_column(style="dim")

    def share(cycles: float) -> str:
        return f"{cycles / report['cycles']:.2%} of the cycles"

    result.add_row("images", f"{report['images']:,}", "")
    verdict = "bit for bit" if report["mismatches"] == 0 else "[red]DIFFERENT[/red]"
    result.add_row("tensors compared", f"{report['tensors_compared']:,}", verdict)
    result.add_row("mismatches", f"{report['mismatches']:,}", "")
    for key, label in (("top1_float", "float32"), ("top1_int", "integer model"), ("top1_hw", "hardware")):
        if report[key] is not None:
            result.add_row(f"top-1, {label}", f"{report[key]:.2%}", "")
    result.add_section()
    result.add_row("multiply-accumulates", f"{report['macs']:,}", "useful, one image")
    result.add_row("cycles", f"{report['cycles']:,}", "one image, start to done")
    result.add_row("MAC utilisation", f"{report['mac_utilisation']:.2%}", "of what the array could do in them")
    result.add_section()
    result.add_row("tile edges", f"{report['edge_cycles']:,.0f}", share(report["edge_cycles"]))
    for cause, label in CAUSES.items():
        cycles = report["stall_cycles"][cause.name.lower()]
        result.add_row(label, f"{cycles:,}", share(cycles))
    result.add_section()
    result.add_row("simulation", f"{report['sim_khz']:.0f} kHz", f"{report['simulated_cycles']:,} cycles")
    result.add_row("time", f"{report['wall_seconds']:.1f} s", "")
    return result
