"""Estimates as tables in the terminal."""

from collections.abc import Mapping, Sequence

from rich.table import Table

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


class SweepTable:
    """A sweep for the terminal, line by line: what varies, and what it gives; within 80 columns.

    Args:
        values: of all points. clock_mhz: for the times.
    """

    def __init__(self, values: Sequence[Mapping[str, int]], clock_mhz: float) -> None:
        self._axes, self._clock = varied_axes(values), clock_mhz
        results = ("cycles", "util.", "ms", "act KiB", "res KiB")
        headings = [*(axis.replace("_", " ") for axis in self._axes), *results]
        self._widths = [max(map(len, heading.split())) for heading in headings[: len(self._axes)]]
        for place, axis in enumerate(self._axes):
            longest = max(len(str(chosen[axis])) for chosen in values)
            self._widths[place] = max(self._widths[place], longest)
        self._widths += [11, 6, 8, 6, 6]
        self._headings = [heading.split() for heading in headings]

    def header(self) -> list[str]:
        """The headings, a word below the other, and a line below them."""
        height = max(map(len, self._headings))
        columns = [[""] * (height - len(words)) + words for words in self._headings]
        lines = [self._line([words[row] for words in columns], "") for row in range(height)]
        lines[-1] = f"{lines[-1]}  lost most to"
        return [*lines, "─" * (len(lines[-1]) + 1)]

    def row(self, point: Point) -> str:
        """The line of a point."""
        chosen, found = [str(point.values[axis]) for axis in self._axes], point.estimate
        if found is None:
            return self._line([*chosen, *["–"] * 5], "none: see below")
        milliseconds = 1000 * found.seconds(self._clock)
        numbers = (f"{found.cycles:,}", f"{found.utilisation:.1%}", f"{milliseconds:,.2f}")
        memories = (f"{found.act_kib:.1f}", f"{found.res_kib:.1f}")
        return self._line([*chosen, *numbers, *memories], _largest_loss(found))

    def _line(self, cells: Sequence[str], last: str) -> str:
        padded = (f"{cell:>{width}}" for cell, width in zip(cells, self._widths, strict=True))
        return "  ".join([*padded, last]).rstrip()


def _largest_loss(result: Estimate) -> str:
    """The cause that most of the lost cycles go to, and its share of all cycles."""
    lost = {cause: cycles for cause, cycles in result.causes.items() if cause != Cause.STREAM}
    cause = max(lost, key=lost.__getitem__)
    return f"{cause.name.lower()} {lost[cause] / result.cycles:.1%}"
