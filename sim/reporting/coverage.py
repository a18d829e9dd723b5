"""The file and the tables of ``pointwise coverage``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pointwise.hw.contract.form import Form
from pointwise.model.coverage import STEPS, Row

from . import recorded

KIND = "coverage"
"""Tells such a file from other results."""
COLUMNS = ("architecture", "pixels", "blocks", "logits differ by", *STEPS)
TOTALS = ("architectures", "tried", *STEPS)


class _Row(Form):
    key: str
    group: str
    cut: bool
    passed: Annotated[int, Field(ge=0, le=len(STEPS))]
    difference: Annotated[float, Field(ge=0)] | None
    refused: str | None
    fault: bool
    pixels: str
    parameters: Annotated[int, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0)]


class _Coverage(Form):
    kind: Literal["coverage"]
    versions: dict[str, str]
    command: str
    rows: Annotated[list[_Row], Field(min_length=1)]


def save(path: Path, versions: dict[str, str], command: str, rows: Sequence[Row]) -> None:
    """Write what was found; the file is whole or not there at all.

    Args:
        versions: of the libraries. command: that made it.
    """
    contents = {
        "kind": KIND,
        "versions": versions,
        "command": command,
        "rows": [row.to_dict() for row in rows],
    }
    recorded.write(path, contents)


def read(path: Path) -> dict[str, Any]:
    """Return the contents of such a file, its rows as ``Row``.

    Raises:
        PointwiseError: it cannot be read, is of another kind, or is damaged.
    """
    contents = recorded.read(path, _Coverage, "result of pointwise coverage")
    return contents | {"rows": [Row(**row) for row in contents["rows"]]}


def cells(row: Row) -> tuple[str, ...]:
    """The cells of a table under ``COLUMNS``; a dash for what was not tried."""
    marks = ["yes"] * row.passed
    if row.passed < len(STEPS):
        marks.append("no")
    marks += ["–"] * (len(STEPS) - len(marks))
    difference = "–" if row.difference is None else f"{row.difference:.0e}"
    return (row.key, row.pixels, "two" if row.cut else "all", difference, *marks)


def totals(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The cells under ``TOTALS``, a line for each group and one for all."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    lines = [*groups.items(), *([("all", list(rows))] if len(groups) > 1 else [])]
    return [
        (name, str(len(found)), *(str(sum(row.passed > step for row in found)) for step in range(len(STEPS))))
        for name, found in lines
    ]


def refusals(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Architectures that did not pass every step, and the sentence that ended them."""
    return [(row.key, row.refused) for row in rows if row.refused is not None]
