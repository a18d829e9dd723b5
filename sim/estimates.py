"""Tables, files and the figure of ``pointwise estimate``."""

import csv
import dataclasses
import io
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.files import write_file
from hw.contract.registers import Cause
from model.estimate import Estimate, Memory, estimate
from model.integer.network import IntegerNetwork

LABELS = {
    Cause.STREAM: "streaming tokens",
    Cause.DEPEND: "waiting for results",
    Cause.TILE: "waiting for weights",
    Cause.SHORT: "short tiles",
    Cause.OUTPUT: "waiting for the epilogue",
    Cause.BANK: "SRAM bank taken",
    Cause.IDLE: "no convolution at hand",
}


@dataclass(frozen=True)
class Point:
    """One combination of a sweep.

    Attributes:
        values: what was chosen, by option.
        estimate: what it takes, None where the network does not fit or there is no such core.
        reason: why not.
    """

    values: dict[str, int]
    estimate: Estimate | None
    reason: str = ""


def sweep(
    network: IntegerNetwork,
    core: Callable[[dict[str, int]], CoreConfig],
    cores: Mapping[str, Sequence[int]],
    memories: Mapping[str, Sequence[int]],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Point]:
    """Estimate all combinations.

    Args:
        core: makes a configuration from chosen parameters. cores: values of each of them.
        memories: values of ``latency`` in cycles and ``stall`` in per cent.
        progress: told the points that are done, and all.
    """
    axes = {**cores, **memories}
    combinations = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    points = []
    for index, values in enumerate(combinations):
        progress(index, len(combinations))
        changes = {name: values[name] for name in cores}
        try:
            memory = Memory(values["latency"], values["stall"] / 100)
            points.append(Point(values, estimate(network, core(changes), memory)))
        except PointwiseError as error:
            points.append(Point(values, None, str(error)))
    progress(len(combinations), len(combinations))
    return points


def as_dict(result: Estimate, clock_mhz: float) -> dict[str, Any]:
    """An estimate, JSON-able, under the names of ``sim.reporting.summary`` where both have them."""
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


def table(result: Estimate, clock_mhz: float) -> Table:
    """One estimate for the terminal."""
    config = result.config
    view = Table(
        title=f"{result.network} on a {config.rows}×{config.cols} core, estimated",
        show_header=False,
        title_justify="left",
    )
    view.add_column(style="bold")
    view.add_column(justify="right")
    view.add_column(style="dim")
    milliseconds = 1000 * result.seconds(clock_mhz)
    view.add_row("cycles", f"{result.cycles:,}", "one image, start to done")
    view.add_row("MAC utilisation", f"{result.utilisation:.2%}", f"{result.macs:,} useful MACs")
    view.add_row(
        "time", f"{milliseconds:,.3f} ms", f"{1000 / milliseconds:,.1f} images/s at {clock_mhz:g} MHz"
    )
    view.add_section()
    for cause, label in LABELS.items():
        view.add_row(
            label, f"{result.causes[cause]:,}", f"{result.causes[cause] / result.cycles:.2%} of the cycles"
        )
    view.add_section()
    view.add_row("activation SRAM", f"{result.act_kib:.1f} KiB", f"of {config.act_kib} KiB")
    view.add_row("residual SRAM", f"{result.res_kib:.1f} KiB", f"of {config.res_kib} KiB")
    view.add_row("image", f"{result.image_bytes:,} bytes", f"{result.instructions:,} instructions")
    view.add_row("weight tiles", f"{result.tiles:,}", "")
    bus = f"{config.axi_data_width} bits"
    stalls = f", stalls in {result.memory.stall:.0%} of the cycles" if result.memory.stall else ""
    view.add_row("bus", bus, f"latency {result.memory.latency} cycles{stalls}")
    return view


def sweep_table(points: Sequence[Point], name: str, clock_mhz: float) -> Table:
    """A sweep for the terminal: what varies, and what it gives."""
    varied = varied_axes(points)
    view = Table(title=f"{name}, estimated at {clock_mhz:g} MHz", title_justify="left")
    for axis in varied:
        view.add_column(axis.replace("_", " "), justify="right")
    for heading in ("cycles", "util.", "ms", "act KiB", "res KiB"):
        view.add_column(heading, justify="right", no_wrap=True)
    view.add_column("lost most to", style="dim")
    for point in points:
        chosen = [str(point.values[axis]) for axis in varied]
        result = point.estimate
        if result is None:
            view.add_row(*chosen, *["–"] * 5, "[red]none: see below[/red]")
            continue
        view.add_row(
            *chosen,
            f"{result.cycles:,}",
            f"{result.utilisation:.1%}",
            f"{1000 * result.seconds(clock_mhz):,.2f}",
            f"{result.act_kib:.1f}",
            f"{result.res_kib:.1f}",
            _largest_loss(result),
        )
    return view


def _largest_loss(result: Estimate) -> str:
    """The cause that most of the lost cycles go to, and its share of all cycles."""
    lost = {cause: cycles for cause, cycles in result.causes.items() if cause != Cause.STREAM}
    cause = max(lost, key=lost.__getitem__)
    return f"{cause.name.lower()} {lost[cause] / result.cycles:.1%}"


def reasons(points: Sequence[Point]) -> list[str]:
    """Why points have no estimate: each reason once, with the first point that it holds for."""
    varied = varied_axes(points)
    found: dict[str, Point] = {}
    for point in points:
        if point.estimate is None:
            found.setdefault(point.reason, point)
    return [
        f"{', '.join(f'{axis} = {point.values[axis]}' for axis in varied)}: {reason}"
        for reason, point in found.items()
    ]


def varied_axes(points: Sequence[Point]) -> list[str]:
    """Options that take more than one value; all of them where none does."""
    axes = list(points[0].values)
    varied = [axis for axis in axes if len({point.values[axis] for point in points}) > 1]
    return varied or axes


def write(points: Sequence[Point], name: str, clock_mhz: float, folder: Path) -> list[Path]:
    """Write ``sweep.csv``, ``sweep.json`` and ``sweep.png`` into ``folder``; returns their paths."""
    from .estimate_figure import figure

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
