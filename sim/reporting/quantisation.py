"""The report of a quantised network: one JSON file for programs, and one page that holds all it shows."""

import json
import math
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.hw.contract.form import FormError, read_json
from pointwise.model.graph import Graph
from pointwise.model.measure.layers import NetworkMeasure
from pointwise.sim.version import version

from .quantisation_form import check_report

REPORT, PAGE = "quantisation.json", "quantisation.html"
KIND = "quantisation"
"""Tells such a file from others."""
MOST = 15
"""Layers in the list of those that cost most."""
BAR, TALL = 3, 26
"""Pixels of a histogram: from bar to bar, and in height."""


def as_dict(network: Graph, measure: NetworkMeasure, command: str) -> dict[str, Any]:
    """What the report says, JSON-able."""
    return {
        "kind": KIND,
        "version": version(),
        "network": network.name,
        "command": command,
        "calibration_images": network.info.get("calibration_images"),
        "recipe": network.info.get("recipe", {}),
        "measure": measure.to_dict(),
    }


def write(report: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write both files, each of them whole or not at all; returns their paths.

    Raises:
        PointwiseError: a file cannot be written.
    """
    text = page(report)
    write_file(folder / REPORT, json.dumps(report, indent=1) + "\n")
    write_file(folder / PAGE, text)
    return [folder / REPORT, folder / PAGE]


def renew(folder: Path) -> list[Path]:
    """Make the page anew from the JSON file in a folder; returns its path.

    Raises:
        PointwiseError: the JSON file is missing, is none, or lacks something; or the page cannot be written.
    """
    path = Path(folder) / REPORT
    try:
        report = read_json(path)
        if report.get("kind") != KIND:
            raise FormError("is of another kind")
        check_report(report)
    except OSError as error:
        raise PointwiseError(
            f"{path} cannot be read ({error.strerror}); run pointwise report again"
        ) from error
    except FormError as error:
        raise PointwiseError(f"{path} {error}; run pointwise report again") from error
    write_file(Path(folder) / PAGE, page(report))
    return [Path(folder) / PAGE]


def page(report: Mapping[str, Any]) -> str:
    """The page as HTML; ``report`` as ``as_dict`` makes it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    layers = report["measure"]["layers"]
    ranked = [layer for layer in layers if layer["share"] is not None]
    tables = [("default", report["recipe"].get("default", {})), *report["recipe"].get("layers", {}).items()]
    return environment.get_template(PAGE).render(
        report=report,
        ranked=sorted(ranked, key=lambda layer: -layer["share"])[:MOST],
        histogram=_histogram,
        how=_how(report),
        tables=tables,
        keys=list(tables[0][1]),
        total_bytes=sum(layer["bytes"] for layer in layers),
        float_bytes=4 * sum(layer["weights"] for layer in layers),
    )


def _how(report: Mapping[str, Any]) -> dict[str, str]:
    """In a few words, how each layer was quantised, by its name.

    The recipe is looked up as a ``Recipe`` does, but nothing that it names is imported: a report is data.
    """
    words = {}
    for layer in report["measure"]["layers"]:
        how = dict(report["recipe"].get("default", {}))
        for pattern, changes in report["recipe"].get("layers", {}).items():
            if fnmatchcase(layer["name"], pattern):
                how |= changes
        said = [how["range"]] if "range" in how else []
        if layer["weights"] and said:
            said += [str(how.get("rounding")), f"weights a {how.get('weight_granularity')}"]
        if layer["kind"] in ("q", "k", "v", "s", "o") and said:
            said.append(f"scales a {how.get('granularity')}")
        if layer["kind"] in ("s", "fc1") and how.get("search"):
            said.append("searched")
        words[layer["name"]] = ", ".join(map(str, said))
    return words


def _histogram(layer: Mapping[str, Any]) -> Markup:
    """A histogram as an SVG: heights are logarithms, so that the tails show."""
    most = math.log1p(max(layer["counts"]) or 1)
    bars = []
    for index, count in enumerate(layer["counts"]):
        if count:
            tall = max(1.0, TALL * math.log1p(count) / most)
            place = f'x="{BAR * index}" y="{TALL - tall:.1f}" width="{BAR - 0.6:.1f}" height="{tall:.1f}"'
            bars.append(f"<rect {place}/>")
    width = BAR * len(layer["counts"])
    return Markup(f'<svg viewBox="0 0 {width} {TALL}" width="{width}" height="{TALL}">{"".join(bars)}</svg>')
