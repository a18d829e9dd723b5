"""Tables of the mutants that were tried, from recorded runs of ``pointwise mutate``."""

import itertools
from pathlib import Path
from typing import Any

from pointwise.sim.mutation.equivalents import reason, sides
from pointwise.sim.reporting.mutation import COLUMNS, fate, read, rows, survivors

from .markdown import markdown
from .results import MUTATION, RESULTS


def scores() -> str:
    """What became of the mutants, by folder."""
    recorded = [read(path) for path in _files()]
    told = [f"`{one['command']}`, {one['commit']}: {len(one['outcomes'])} mutants." for one in recorded]
    return "\n\n".join([markdown(COLUMNS, rows(_outcomes())), *told])


def left() -> str:
    """Those that survived and change something."""
    return markdown(
        ("file", "before", "after"), sorted(map(_cells, survivors(_outcomes()))) or [("none", "–", "–")]
    )


def reasons() -> str:
    """Why those that survived change nothing."""
    unseen = [outcome for outcome in _outcomes() if fate(outcome) == "no fault"]
    return markdown(
        ("file", "before", "after", "why"),
        sorted((*_cells(outcome), reason(outcome["path"], outcome["diff"])) for outcome in unseen),
    )


def _outcomes() -> list[dict[str, Any]]:
    return list(itertools.chain.from_iterable(read(path)["outcomes"] for path in _files()))


def _files() -> list[Path]:
    """Those of the campaigns that are recorded."""
    return [path for name in MUTATION if (path := RESULTS / name).exists()]


def _cells(outcome: dict[str, Any]) -> tuple[str, str, str]:
    """The file, and its line before and after."""
    before, after = sides(outcome["diff"])
    return f"{outcome['path']}, {outcome['line']}", f"``{before}``", f"``{after}``"
