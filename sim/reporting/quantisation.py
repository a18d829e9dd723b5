"""The report of a quantised network: one JSON file for programs, and one page that holds all it shows."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from markupsafe import Markup

from hw.contract.errors import PointwiseError
from hw.contract.files import write_file
from model.integer.network import IntegerNetwork
from model.measure.layers import NetworkMeasure
from model.quantise.recipe import Recipe

REPORT, PAGE = "quantisation.json", "quantisation.html"
KIND = "quantisation"
"""Tells such a file from others."""
REQUIRED = ("kind", "network", "command", "calibration_images", "recipe", "measure")
MOST = 15
"""Layers in the list of those that cost most."""
BAR, TALL = 3, 26
"""Pixels of a histogram: from bar to bar, and in height."""


def as_dict(network: IntegerNetwork, measure: NetworkMeasure, command: str) -> dict[str, Any]:
    """What the report says, JSON-able."""
    return {
        "kind": KIND,
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
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PointwiseError(f"{path} cannot be read ({error}); run pointwise report again") from error
    missing = [key for key in REQUIRED if not isinstance(report, dict) or key not in report]
    if missing or report["kind"] != KIND:
        raise PointwiseError(f"{path} is damaged or of another kind; run pointwise report again")
    try:
        text = page(report)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, TemplateError) as error:
        raise PointwiseError(f"{path} is damaged ({error!r}); run pointwise report again") from error
    write_file(Path(folder) / PAGE, text)
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
    """In a few words, how each layer was quantised, by its name."""
    recipe = Recipe.from_dict(report["recipe"]) if report["recipe"] else None
    words = {}
    for layer in report["measure"]["layers"]:
        name = layer["name"]
        if recipe is None:
            words[name] = ""
            continue
        how = recipe[name]
        said = [how.range]
        if layer["weights"]:
            said += [how.rounding, f"weights a {how.weight_granularity}"]
        if layer["kind"] in ("q", "k", "v", "s", "o"):
            said.append(f"scales a {how.granularity}")
        if layer["kind"] in ("s", "fc1") and how.search:
            said.append("searched")
        words[name] = ", ".join(said)
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
