"""The tables of mutants of netlists, from what ``python -m pointwise.sim.mutation.netlist`` recorded."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pointwise.sim.mutation.netlist import Fate

from .markdown import markdown
from .results import RESULTS

NETLISTS = Path("mutants", "netlists.json")
COLUMNS = ("unit", "mutants", "killed", "proved equivalent", "equivalent for a reason", "survived", "score")


def scores() -> str:
    """Mutants by unit; the score is the share that was killed of those that are not equivalent."""
    units: dict[str, Counter[str]] = {}
    for mutant in _mutants():
        units.setdefault(mutant["unit"], Counter())[_column(mutant)] += 1
    rows = [_row(f"``{name}``", count) for name, count in units.items()]
    return markdown(COLUMNS, [*rows, _row("all", sum(units.values(), Counter()))])


def reasons() -> str:
    """Why mutants that no proof reaches are equivalent, and those of which nobody knows why."""
    rows = [
        (f"``{mutant['unit']}``", mutant["change"], mutant["why"] or "not known")
        for mutant in _mutants()
        if mutant["fate"] in (Fate.REASONED, Fate.SURVIVED)
    ]
    return markdown(("unit", "mutant", "why"), rows or [("none", "–", "–")])


def _mutants() -> list[dict[str, Any]]:
    return json.loads((RESULTS / NETLISTS).read_text())["mutants"]


def _column(mutant: dict[str, Any]) -> str:
    return Fate.KILLED if mutant["fate"] == Fate.SLOW else mutant["fate"]


def _row(name: str, count: Counter[str]) -> tuple[str, ...]:
    fates = (Fate.KILLED, Fate.EQUIVALENT, Fate.REASONED, Fate.SURVIVED)
    changing = count[Fate.KILLED] + count[Fate.SURVIVED]
    score = f"{100 * count[Fate.KILLED] / changing:.0f} %" if changing else "–"
    return (name, str(count.total()), *(str(count[fate]) for fate in fates), score)
