"""The picture of a run: what the units did over time, and where the cycles of each kind of layer went."""

import io
from collections.abc import Mapping
from typing import Any

from .colours import COLOURS, INK, hatch
from .layers import PARTS, by_kind, by_layer, kind_of, parts

TAIL = {False: "#333333", True: "#DDDDDD"}
"""Colour of what the epilogue does, on a light and on a dark page."""
DARK = {"figure.facecolor": "#17181A", "axes.facecolor": "#17181A", "savefig.facecolor": "#17181A"}
DARK |= dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), "#E8E8EA")
DARK |= {"axes.edgecolor": "#6D6E76", "grid.color": "#6D6E76"}
"""Matplotlib's settings for a dark page."""
MAX_KINDS = 16
"""Kinds of layers with a row of their own; the smallest beyond share one."""
OTHER = "other layers"
LAST_ROW = "start and end"


def draw(report: Mapping[str, Any], timeline: Mapping[str, Any], *, dark: bool = False) -> bytes:
    """A PNG of the first image's run.

    Args:
        report: as ``summary.as_dict`` makes it. timeline: from ``layers.timeline_dict``.
        dark: for a dark page.
    """
    from matplotlib import rc_context

    settings: Any = {"hatch.linewidth": 0.6} | (DARK if dark else {})
    with rc_context(settings):
        return _drawn(report, timeline, dark)


def _drawn(report: Mapping[str, Any], timeline: Mapping[str, Any], dark: bool) -> bytes:
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch
    from matplotlib.ticker import EngFormatter, StrMethodFormatter

    rows = _rows(report)
    tall = 0.27 * (len(rows) + 1)
    picture = Figure(figsize=(12, 3.6 + 2 * tall), layout="constrained")
    when, why, where = picture.subplots(3, 1, height_ratios=[tall, 1.9, tall])
    height, width = report["array"]
    picture.suptitle(
        f"{report['network']} on a core of {height}×{width}: {report['cycles']:,} cycles, "
        f"MAC utilisation {report['mac_utilisation']:.1%}"
    )

    _units(when, rows, timeline, TAIL[dark])
    _over_time(why, timeline, report["array"])
    short = report["cycles"] < 100_000
    for axes in (when, why):
        axes.set_xlim(0, report["cycles"])
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}") if short else EngFormatter(sep=" "))
    when.tick_params(labelbottom=False)
    why.set_xlabel("cycle")
    when.legend(
        handles=[Patch(color=COLOURS["useful"]), Patch(color=TAIL[dark])],
        labels=["streamer: first to last token", "epilogue: last token to completion"],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        fontsize=9,
    )

    _by_kind(where, rows, report["cycles"])
    picture.legend(
        handles=[Patch(**_look(part)) for part in PARTS],
        labels=list(PARTS.values()),
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=9,
    )
    data = io.BytesIO()
    picture.savefig(data, format="png", dpi=110)
    return data.getvalue()


def _rows(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Kinds of layers by name, the smallest of too many as one."""
    kinds = by_kind(report["layers"], report["cycles"], report["array"])
    if len(kinds) <= MAX_KINDS:
        return {entry["kind"]: entry for entry in kinds}
    large = sorted(kinds, key=lambda entry: -entry["cycles"])[: MAX_KINDS - 1]
    names = {entry["kind"] for entry in large}
    small = [entry | {"name": OTHER} for entry in kinds if entry["kind"] not in names]
    (rest,) = by_kind(small, report["cycles"], report["array"])
    return {entry["kind"]: entry for entry in kinds if entry["kind"] in names} | {OTHER: rest}


def _look(part: str) -> dict[str, Any]:
    """How an area of a part is drawn."""
    return {"facecolor": COLOURS[part], "hatch": hatch(part), "edgecolor": INK, "linewidth": 0}


def _units(axes: Any, rows: Mapping[str, Any], timeline: Mapping[str, Any], tail: str) -> None:
    """A row a kind: when its tokens went into the array, and when the epilogue was done with them."""
    place = {name: index for index, name in enumerate(rows)}
    streams, tails = [[[] for _ in rows] for _ in range(2)]
    for conv in timeline["convolutions"]:
        row = place.get(kind_of(conv["name"]), len(rows) - 1)
        after = conv["last"] + 1
        streams[row].append((conv["first"], after - conv["first"]))
        tails[row].append((after, conv["done"] - after))
    for row in range(len(rows)):
        axes.broken_barh(tails[row], (row - 0.2, 0.4), color=tail, linewidth=0)
        axes.broken_barh(streams[row], (row - 0.4, 0.8), color=COLOURS["useful"], linewidth=0)
    axes.set_title("When each kind of layer ran", loc="left", fontsize=10)
    _row_labels(axes, list(rows))
    axes.grid(axis="x", alpha=0.3)


def _over_time(axes, timeline: Mapping[str, Any], array: list[int]) -> None:
    """What the cycles went to: a step a convolution, of the mean over its cycles."""
    edges, heights = [0], {part: [] for part in PARTS}

    def step(cycles: int, found: Mapping[str, float]) -> None:
        if cycles:
            edges.append(edges[-1] + cycles)
            for part in PARTS:
                heights[part].append(100 * found.get(part, 0) / cycles)

    step(timeline["start"], {"idle": timeline["start"]})
    for conv in timeline["convolutions"]:
        (own,) = by_layer({"convolutions": [conv], "cycles": timeline["cycles"]}, array)
        step(own["cycles"], parts(own))
    step(timeline["end"], {"idle": timeline["end"]})
    stacked = [[*heights[part], heights[part][-1]] for part in PARTS]
    areas = axes.stackplot(
        edges, stacked, step="post", colors=[COLOURS[part] for part in PARTS], linewidth=0, antialiased=False
    )
    for part, area in zip(PARTS, areas, strict=True):
        area.set(hatch=hatch(part), edgecolor=INK)
    axes.set_ylim(0, 100)
    axes.set_ylabel("% of the cycles")
    axes.set_title("What the cycles went to, a step a convolution", loc="left", fontsize=10)


def _by_kind(axes, rows: Mapping[str, Any], cycles: int) -> None:
    """The share of each kind, split by what its cycles went to."""
    for row, entry in enumerate(rows.values()):
        left = 0.0
        for part, count in parts(entry).items():
            axes.barh(row, 100 * count / cycles, left=left, height=0.8, **_look(part))
            left += 100 * count / cycles
        label = f" {entry['share']:.1%}, utilisation {entry['utilisation']:.1%}"
        axes.annotate(label, (left, row), va="center", fontsize=8)
    rest = cycles - sum(entry["cycles"] for entry in rows.values())
    axes.barh(len(rows), 100 * rest / cycles, height=0.8, **_look("idle"))
    axes.annotate(f" {rest / cycles:.1%}", (100 * rest / cycles, len(rows)), va="center", fontsize=8)
    axes.set_title("What the cycles of each kind of layer went to", loc="left", fontsize=10)
    axes.set_xlabel("% of the cycles of the run")
    axes.set_xlim(0, 1.2 * 100 * max([rest, *(entry["cycles"] for entry in rows.values())]) / cycles)
    _row_labels(axes, [*rows, LAST_ROW])
    axes.grid(axis="x", alpha=0.3)


def _row_labels(axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_axisbelow(True)
