"""The folder of a run: JSON files that programs read, and the picture and page that are made of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file

from .figure import draw
from .page import page

REPORT, TIMELINE, MANIFEST = "report.json", "timeline.json", "manifest.json"
PICTURE, PAGE = "run.png", "report.html"

REQUIRED = {
    REPORT: ("network", "array", "cycles", "layers", "rest", "config"),
    TIMELINE: ("cycles", "start", "end", "convolutions"),
    MANIFEST: ("network", "memory", "dram", "tensors", "instructions"),
}
"""Keys that tell such a file from another, and from one of an older version."""


def write(
    report: Mapping[str, Any], timeline: Mapping[str, Any], manifest: dict[str, Any], folder: Path
) -> list[Path]:
    """Write all files of a run, each of them whole or not at all; returns the paths, ``report.json`` first.

    Raises:
        PointwiseError: a file cannot be written.
    """
    folder = Path(folder)
    paths = []
    for name, contents in ((REPORT, report), (TIMELINE, timeline), (MANIFEST, manifest)):
        write_file(folder / name, json.dumps(contents, indent=1 if name == MANIFEST else 2) + "\n")
        paths.append(folder / name)
    return paths + _render(report, timeline, manifest, folder)


def renew(folder: Path) -> list[Path]:
    """Make picture and page anew from the JSON files in a folder; returns their paths.

    Raises:
        PointwiseError: a JSON file is missing, is none, or lacks something; or a file cannot be written.
    """
    folder = Path(folder)
    report, timeline, manifest = (_load(folder / name) for name in (REPORT, TIMELINE, MANIFEST))
    try:
        return _render(report, timeline, manifest, folder)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, TemplateError) as error:
        raise PointwiseError(
            f"the files in {folder} are damaged or of different runs ({error!r}); run pointwise sim again"
        ) from error


def _render(
    report: Mapping[str, Any], timeline: Mapping[str, Any], manifest: dict[str, Any], folder: Path
) -> list[Path]:
    if [c["name"] for c in timeline["convolutions"]] != [
        line["name"] for line in manifest["instructions"] if line["opcode"] == "CONV"
    ]:
        raise ValueError("the timeline is of another program than the manifest")
    picture = draw(report, timeline)
    text = page(report, manifest, picture, draw(report, timeline, dark=True))
    write_file(folder / PICTURE, picture)
    write_file(folder / PAGE, text)
    return [folder / PICTURE, folder / PAGE]


def _load(path: Path) -> dict[str, Any]:
    try:
        contents = json.loads(path.read_text())
    except OSError as error:
        raise PointwiseError(
            f"{path} cannot be read ({error.strerror}); name the folder of a run of pointwise sim"
        ) from error
    except ValueError as error:
        raise PointwiseError(f"{path} is damaged ({error}); run pointwise sim again") from error
    missing = [key for key in REQUIRED[path.name] if not isinstance(contents, dict) or key not in contents]
    if missing:
        raise PointwiseError(
            f"{path} lacks {missing[0]!r}; it is damaged or of another version, run pointwise sim again"
        )
    return contents
