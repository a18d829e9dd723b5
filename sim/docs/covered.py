"""Tables of the coverage of the hardware, by part of the core and by cover points."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .markdown import markdown
from .results import HARDWARE_COVERAGE, RESULTS


def parts() -> str:
    """Lines and toggles of the core, by part."""
    found = _hardware()
    rows = [
        (name, *_met([found["lines"].get(name)])[:2], *_met([toggles]))
        for name, toggles in found["toggles"].items()
    ]
    rows.append(("all", *_met(found["lines"].values())[:2], *_met(found["toggles"].values())))
    return markdown(("part", "lines", "met", "toggles", "met", "met, or with a reason"), rows)


def points() -> str:
    """Cover points, by what they are of."""
    rows = []
    for row in _hardware()["points"]:
        excused = sum(map(len, row["excused"].values()))
        rows.append((row["what"], row["all"], row["met"], excused, ", ".join(row["not_met"]) or "–"))
    totals = (sum(row[column] for row in rows) for column in (1, 2, 3))
    rows.append(("all", *totals, ""))
    return markdown(("points", "all", "met", "cannot be, for a reason", "not met"), rows)


def reasons() -> str:
    """Why points are not met, with the points."""
    rows = [
        (row["what"], ", ".join(names), why)
        for row in _hardware()["points"]
        for why, names in row["excused"].items()
    ]
    return markdown(("points", "not met", "why"), rows)


def _hardware() -> dict[str, Any]:
    return json.loads((RESULTS / HARDWARE_COVERAGE).read_text())


def _met(rows: Iterable[Mapping[str, int] | None]) -> tuple[str, str, str]:
    """Points, the share that was met, and the share that was met or has a reason."""
    known = [row for row in rows if row]
    total, met, excused = (sum(row[name] for row in known) for name in ("all", "met", "excused"))
    return f"{total:,}", _share(met, total), _share(met + excused, total)


def _share(met: int, total: int) -> str:
    return f"{100 * met / total:.1f} %" if total else "–"
