"""What a simulation gave, as the contents of ``report.json`` and as a table for the terminal."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from pointwise.hw.contract.registers import Cause
from pointwise.sim.version import version

from .layers import CAUSES, by_layer

if TYPE_CHECKING:  # to show a report that was written takes neither PyTorch nor Amaranth
    from pointwise.sim.simulate import Simulation


def as_dict(simulation: "Simulation", timeline: Mapping[str, Any], wall_seconds: float) -> dict[str, Any]:
    """Everything of a run, JSON-able.

    ``cycles`` and what follows from them are those of one image, from start to done. ``macs`` counts useful
    multiply-accumulates. ``top1_*`` are fractions over the images that ran, null where there are no labels.
    ``layers`` (``layers.by_layer``) and ``rest``, the cycles before the first and after the last layer, make
    up ``cycles``.

    Args:
        timeline: of the run, from ``layers.timeline_dict``.
    """
    config = simulation.config
    causes = simulation.causes
    useful = simulation.workload.network.macs / (config.rows * config.cols)
    return {
        "version": version(),
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
        "layers": by_layer(timeline, [config.rows, config.cols]),
        "rest": {"start": timeline["start"], "end": timeline["end"]},
        "memory": simulation.memory,
        "image_bytes": len(simulation.compiled.image),
        "simulated_cycles": simulation.simulated_cycles,
        "sim_khz": simulation.simulated_cycles / simulation.seconds / 1000,
        "simulation_seconds": simulation.seconds,
        "wall_seconds": wall_seconds,
        "config": json.loads(config.to_json()),
    }


def table(report: Mapping[str, Any]) -> Table:
    """The report as a table for the terminal."""
    rows, cols = report["array"]
    title = f"{report['network']} on a {rows}×{cols} core"
    result = Table(title=title, show_header=False, title_justify="left")
    result.add_column(style="bold")
    result.add_column(justify="right")
    result.add_column(style="dim")

    def share(cycles: float) -> str:
        return f"{cycles / report['cycles']:.2%} of the cycles"

    result.add_row("images", f"{report['images']:,}", "")
    verdict = "bit for bit" if report["mismatches"] == 0 else Text("DIFFERENT", style="red")
    result.add_row("tensors compared", f"{report['tensors_compared']:,}", verdict)
    result.add_row("mismatches", f"{report['mismatches']:,}", "")
    for key, label in (("top1_float", "float32"), ("top1_int", "integer model"), ("top1_hw", "hardware")):
        if report[key] is not None:
            result.add_row(f"top-1, {label}", f"{report[key]:.2%}", "")
    result.add_section()
    result.add_row("multiply-accumulates", f"{report['macs']:,}", "useful, one image")
    result.add_row("cycles", f"{report['cycles']:,}", "one image, start to done")
    utilisation = f"{report['mac_utilisation']:.2%}"
    result.add_row("MAC utilisation", utilisation, "of what the array could do in them")
    result.add_section()
    result.add_row("tile edges", f"{report['edge_cycles']:,.0f}", share(report["edge_cycles"]))
    for cause, label in CAUSES.items():
        cycles = report["stall_cycles"][cause.name.lower()]
        result.add_row(label, f"{cycles:,}", share(cycles))
    result.add_section()
    result.add_row("simulation", f"{report['sim_khz']:.0f} kHz", f"{report['simulated_cycles']:,} cycles")
    result.add_row("time", f"{report['wall_seconds']:.1f} s", "")
    return result
