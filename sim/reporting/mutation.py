"""The file and the table of ``pointwise mutate``."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field

from pointwise.hw.contract.form import Form
from pointwise.sim.mutation.attempt import Verdict
from pointwise.sim.mutation.equivalents import reason

from . import recorded

KIND = "mutation"
"""Tells such a file from other results."""
COLUMNS = ("folder", "mutants", "killed", "killed by time", "no fault", "survived", "score")
Count = Annotated[int, Field(ge=0)]


class _Outcome(Form):
    path: str
    line: Annotated[int, Field(ge=1)]
    kind: str
    diff: str
    verdict: Literal["killed", "killed by time", "survived", "survived, for no test runs it"]
    test: str | None
    tests: Annotated[list[Count], Field(min_length=2, max_length=2)]
    seconds: Annotated[float, Field(ge=0)]


class _Mutation(Form):
    kind: Literal["mutation"]
    command: str
    commit: str
    outcomes: Annotated[list[_Outcome], Field(min_length=1)]


def save(path: Path, command: str, commit: str, outcomes: Sequence[dict[str, Any]]) -> None:
    """Write what became of the mutants; the file is whole or not there at all.

    Args:
        command: that made it. commit: of the sources.
    """
    contents = {"kind": KIND, "command": command, "commit": commit, "outcomes": list(outcomes)}
    recorded.write(path, contents)


def read(path: Path) -> dict[str, Any]:
    """Return the contents of such a file.

    Raises:
        PointwiseError: it cannot be read, is of another kind, or is damaged.
    """
    return recorded.read(path, _Mutation, "result of pointwise mutate")


def fate(outcome: dict[str, Any]) -> str:
    """The column that a mutant counts in."""
    if (verdict := Verdict(outcome["verdict"])).noticed:
        return str(verdict)
    return "survived" if reason(outcome["path"], outcome["diff"]) is None else "no fault"


def rows(outcomes: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The cells under ``COLUMNS``: a line for each folder and one for each at the top.

    The score is the share that was killed of those that change something.
    """
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        place = PurePosixPath(outcome["path"])
        for folder in {str(PurePosixPath(*place.parent.parts[:2])), place.parts[0]}:
            counts.setdefault(folder, Counter())[fate(outcome)] += 1
    return [_row(folder, counts[folder]) for folder in sorted(counts)]


def _row(folder: str, count: Counter[str]) -> tuple[str, ...]:
    changing = count.total() - count["no fault"]
    score = f"{100 * (changing - count['survived']) / changing:.1f} %" if changing else "–"
    cells = (count[column] for column in COLUMNS[2:-1])
    return (folder, str(count.total()), *map(str, cells), score)


def survivors(outcomes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mutants that should have been noticed."""
    return [outcome for outcome in outcomes if fate(outcome) == "survived"]
