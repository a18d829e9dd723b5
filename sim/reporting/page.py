"""The page of a run: one HTML file that holds everything it shows."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pointwise.model.compiler.memory_map import (
    CHIP_COLUMNS,
    DRAM_COLUMNS,
    OVERVIEW_COLUMNS,
    chip_rows,
    dram_rows,
    overview_rows,
)

from .colours import fill
from .layers import CAUSES, PARTS, by_kind, parts

UNITS = {
    "act_kib": "KiB",
    "res_kib": "KiB",
    "axi_data_width": "bits",
    "axi_addr_width": "bits",
    "axi_burst": "beats",
    "stream_beats": "beats",
}
"""Units of the core's parameters, where they have one."""
RIGHT = {"words", "bytes", "used", "available"}
"""Columns of the memory maps that hold numbers."""


def page(report: Mapping[str, Any], manifest: dict[str, Any], picture: bytes, dark: bytes) -> str:
    """The page as HTML.

    Args:
        report: as ``summary.as_dict`` makes it. manifest: of the compiled network.
        picture, dark: PNGs for a light and for a dark page.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": lambda value: f"{value:,.0f}", "percent": lambda value: f"{value:.2%}"}
    rows, cols = report["array"]
    maps = (
        ("Memories", True, OVERVIEW_COLUMNS, overview_rows(manifest)),
        ("Tensors on chip", False, CHIP_COLUMNS, chip_rows(manifest)),
        ("Memory image", False, DRAM_COLUMNS, dram_rows(manifest)),
    )
    return environment.get_template("page.html").render(
        report=report,
        title=f"{report['network']} on a core of {rows}×{cols}",
        accuracy=_accuracy(report),
        run_parts=_run_parts(report),
        kinds=by_kind(report["layers"], report["cycles"], report["array"]),
        labels=PARTS,
        causes=CAUSES,
        fills={part: fill(part) for part in PARTS},
        bar=_bar,
        units=UNITS,
        maps=maps,
        right=RIGHT,
        picture=base64.b64encode(picture).decode(),
        dark_picture=base64.b64encode(dark).decode(),
    )


def _accuracy(report: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Top-1 of float network, integer model and hardware, where the images have labels."""
    names = (("float32", "top1_float"), ("integer model", "top1_int"), ("hardware", "top1_hw"))
    return [(label, report[key]) for label, key in names if report[key] is not None]


def _run_parts(report: Mapping[str, Any]) -> dict[str, float]:
    """The cycles of the whole run, under the keys of ``PARTS``."""
    return {"useful": report["useful_cycles"], "edge": report["edge_cycles"], **report["stall_cycles"]}


def _bar(entry: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Parts of an entry and their per cent of its cycles, without those that are zero."""
    whole = entry["cycles"] or 1
    return [(part, 100 * count / whole) for part, count in parts(entry).items() if count]
