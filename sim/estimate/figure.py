"""The figure of a sweep: utilisation, time and memory of every configuration that fits."""

import io
from collections.abc import Sequence

from .sweep import Point, varied_axes

MAX_LABELS = 60
"""Configurations whose labels can still be read."""


def figure(points: Sequence[Point], name: str, clock_mhz: float) -> bytes:
    """A PNG with three panels over the configurations; those that do not fit are marked as such."""
    from matplotlib.figure import Figure

    axes_names = varied_axes([point.values for point in points])
    labels = ["×".join(str(point.values[axis]) for axis in axes_names) for point in points]
    places = range(len(points))
    width = min(24.0, max(7.0, 0.28 * len(points)))
    picture = Figure(figsize=(width, 8.5), layout="constrained")
    utilisation, time, memory = picture.subplots(3, 1, sharex=True)
    fitting = [(place, point.estimate) for place, point in zip(places, points, strict=True) if point.estimate]
    where = [place for place, _ in fitting]
    found = [result for _, result in fitting]

    utilisation.bar(where, [100 * result.utilisation for result in found], color="#0072B2")
    utilisation.set_ylabel("MAC utilisation, %")
    utilisation.set_ylim(0, 100)
    milliseconds = [1000 * result.seconds(clock_mhz) for result in found]
    bars = time.bar(where, milliseconds, color="#E69F00")
    time.set_ylabel(f"ms an image at {clock_mhz:g} MHz")
    time.margins(y=0.15)
    if len(points) <= MAX_LABELS:
        time.bar_label(bars, [f"{value:.3g}" for value in milliseconds], rotation=90, fontsize=8, padding=2)
    act = [result.act_kib for result in found]
    memory.bar(where, act, color="#0072B2", label="activation SRAM")
    memory.bar(
        where, [result.res_kib for result in found], bottom=act, color="#F0E442", label="residual SRAM"
    )
    memory.set_ylabel("SRAM used, KiB")
    if found:
        memory.legend(ncols=2, loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
    for panel in (utilisation, time, memory):
        panel.grid(axis="y", alpha=0.3)
        for place, point in zip(places, points, strict=True):
            if point.estimate is None:
                panel.axvspan(
                    place - 0.45, place + 0.45, facecolor="none", hatch="xx", edgecolor="0.75", lw=0
                )
    if len(points) <= MAX_LABELS:
        memory.set_xticks(list(places), labels, rotation=90, fontsize=8)
    memory.set_xlabel(
        " × ".join(axis.replace("_", " ") for axis in axes_names) + "   (crossed out: does not fit)"
    )
    picture.suptitle(f"{name}, estimated")
    data = io.BytesIO()
    picture.savefig(data, format="png", dpi=120)
    return data.getvalue()
