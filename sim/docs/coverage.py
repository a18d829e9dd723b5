"""Tables of what ``pointwise coverage`` found, from the file in docs/results."""

from functools import cache
from typing import Any

from pointwise.sim.reporting.coverage import COLUMNS, TOTALS, cells, read, refusals, totals

from .markdown import markdown
from .results import COVERAGE, RESULTS


@cache
def _recorded() -> dict[str, Any]:
    return read(RESULTS / COVERAGE)


def counted() -> str:
    """How many architectures got how far, and what made the table."""
    recorded = _recorded()
    versions = " and ".join(f"{name} {version}" for name, version in recorded["versions"].items())
    return f"{markdown(TOTALS, totals(recorded['rows']))}\n\n`{recorded['command']}`, with {versions}."


def refused() -> str:
    """What was refused, and why; architectures with one sentence share a line."""
    sentences: dict[str, list[str]] = {}
    for key, sentence in refusals(_recorded()["rows"]):
        sentences.setdefault(sentence, []).append(f"`{key}`")
    rows = [(", ".join(names), sentence) for sentence, names in sentences.items()]
    return markdown(("architectures", "why"), rows)


def everything() -> str:
    """A row for each architecture."""
    rows = [(f"`{name}`", *rest) for name, *rest in map(cells, _recorded()["rows"])]
    return markdown(COLUMNS, rows)
