"""An exploration as a table, a CSV and a picture."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from pointwise.hw.contract.files import write_file

from .study import Study

FIGURES = (
    "cycles",
    "utilisation",
    "area",
    "lut_places",
    "flip_flops",
    "block_rams",
    "multipliers",
    "weight_bits",
    "image_bytes",
    "sqnr_db",
)
Rows = Sequence[tuple[int, dict[str, int], dict[str, Any]]]


def table(study: Study, name: str) -> Table:
    """The Pareto front for the terminal, by cycles."""
    results = {number: (point, result) for number, point, result in study.results()}
    shown = Table(title=f"{name}: what nothing is better than in everything", title_justify="left")
    for column in ("trial", "array", "lanes", "SRAM", "bus", "bits", "cycles", "util.", "area", "dB"):
        shown.add_column(column, justify="right", no_wrap=True)
    for number in study.front():
        point, result = results[number]
        core = study.space.config(point)
        shown.add_row(
            str(number),
            f"{core.rows}×{core.cols}",
            str(core.post_lanes),
            f"{core.act_kib}+{core.res_kib}",
            str(core.axi_data_width),
            f"{result['weight_bits']:.2f}",
            f"{result['cycles']:,}",
            f"{result['utilisation']:.1%}",
            f"{result['area']:,}",
            f"{result['sqnr_db']:.1f}",
        )
    return shown


def write(study: Study, name: str, folder: Path) -> list[Path]:
    """Write ``explore.csv`` and ``explore.png`` into a folder; returns their paths."""
    contents = {"explore.csv": as_csv(study), "explore.png": figure(study, name)}
    for file, data in contents.items():
        write_file(folder / file, data)
    return [folder / file for file in contents]


def as_csv(study: Study) -> str:
    """A line for each trial: whether it is on the front, its parameters, its figures, or why it has none."""
    text, front = io.StringIO(), set(study.front())
    writer = csv.writer(text, lineterminator="\n")
    names = list(study.space.choices())
    writer.writerow(["trial", "front", *names, *FIGURES, "reason"])
    for number, point, result in study.results():
        values = [result.get(figure, "") for figure in FIGURES]
        chosen = [point[parameter] for parameter in names]
        writer.writerow([number, int(number in front), *chosen, *values, result.get("reason", "")])
    return text.getvalue()


def figure(study: Study, name: str) -> bytes:
    """A PNG: cycles over area of all trials, coloured by their accuracy; the front is ringed."""
    from matplotlib.figure import Figure

    found = [(number, result) for number, _, result in study.results() if "reason" not in result]
    picture = Figure(figsize=(8, 5.5), layout="constrained")
    axes = picture.subplots()
    front = set(study.front())
    for number_of, size, edge, label in (
        ([n for n, _ in found if n not in front], 22, "none", "tried"),
        ([n for n, _ in found if n in front], 60, "black", "front"),
    ):
        chosen = [result for number, result in found if number in set(number_of)]
        points = axes.scatter(
            [result["area"] for result in chosen],
            [result["cycles"] for result in chosen],
            c=[result["sqnr_db"] for result in chosen],
            s=size,
            edgecolors=edge,
            vmin=min((result["sqnr_db"] for _, result in found), default=0),
            vmax=max((result["sqnr_db"] for _, result in found), default=1),
            label=label,
        )
    picture.colorbar(points, label="logits, signal to quantisation noise, dB")
    axes.set(xlabel="area, LUT places", ylabel="cycles an image", xscale="log", yscale="log", title=name)
    axes.grid(alpha=0.3)
    axes.legend()
    data = io.BytesIO()
    picture.savefig(data, format="png", dpi=120)
    return data.getvalue()
