"""Estimates as tables in the terminal."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from pointwise.hw.contract.registers import Cause
from pointwise.model.estimate import Estimate

from .sweep import Point, varied_axes

LABELS = {
    Cause.STREAM: "streaming tokens",
    Cause.DEPEND: "waiting for results",
    Cause.TILE: "waiting for weights",
    Cause.SHORT: "short tiles",
    Cause.OUTPUT: "waiting for the epilogue",
    Cause.BANK: "SRAM bank taken",
    Cause.IDLE: "no convolution at hand",
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
            view.add_row(*chosen, *["–"] * 5, Text("none: see below", style="red"))
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
