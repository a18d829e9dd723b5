"""Estimates as files: CSV, JSON and a figure."""

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pointwise.hw.contract.files import write_file
from pointwise.hw.contract.registers import Cause
from pointwise.model.estimate import Estimate

from .figure import figure
from .sweep import Point


def write(points: Sequence[Point], name: str, clock_mhz: float, folder: Path) -> list[Path]:
    """Write ``sweep.csv``, ``sweep.json`` and ``sweep.png`` into ``folder``; returns their paths."""
    entries = [
        {
            "values": point.values,
            "fits": point.estimate is not None,
            "reason": point.reason or None,
            **(as_dict(point.estimate, clock_mhz) if point.estimate else {}),
        }
        for point in points
    ]
    contents = {
        "sweep.csv": _csv(points, clock_mhz),
        "sweep.json": json.dumps({"network": name, "clock_mhz": clock_mhz, "points": entries}, indent=1)
        + "\n",
        "sweep.png": figure(points, name, clock_mhz),
    }
    for file, data in contents.items():
        write_file(folder / file, data)
    return [folder / file for file in contents]


def _csv(points: Sequence[Point], clock_mhz: float) -> str:
    """A line for each point: the values, the results, the cycles by cause, and why it does not fit."""
    axes = list(points[0].values)
    results = ("cycles", "mac_utilisation", "milliseconds", "act_kib_used", "res_kib_used", "image_bytes")
    causes = [cause.name.lower() for cause in Cause]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*axes, *results, *causes, "reason"])
    for point in points:
        chosen = [point.values[axis] for axis in axes]
        if point.estimate is None:
            writer.writerow([*chosen, *[""] * (len(results) + len(causes)), point.reason])
            continue
        values = as_dict(point.estimate, clock_mhz)
        counted = [point.estimate.causes[cause] for cause in Cause]
        writer.writerow([*chosen, *(values[key] for key in results), *counted, ""])
    return text.getvalue()


def as_dict(result: Estimate, clock_mhz: float) -> dict[str, Any]:
    """An estimate, JSON-able, under the names of ``pointwise.sim.reporting.summary`` where both have them."""
    return {
        "network": result.network,
        "array": [result.config.rows, result.config.cols],
        "macs": result.macs,
        "cycles": result.cycles,
        "mac_utilisation": result.utilisation,
        "stall_cycles": {
            cause.name.lower(): result.causes[cause] for cause in Cause if cause != Cause.STREAM
        },
        "clock_mhz": clock_mhz,
        "milliseconds": 1000 * result.seconds(clock_mhz),
        "tiles": result.tiles,
        "instructions": result.instructions,
        "image_bytes": result.image_bytes,
        "act_kib_used": result.act_kib,
        "res_kib_used": result.res_kib,
        "memory": {"latency": result.memory.latency, "stall": result.memory.stall},
        "config": dataclasses.asdict(result.config),
    }
