"""Keeps the tables of the documents true: ``python -m pointwise.sim.docs`` makes them anew from the code.

A document holds a table between two comments, and everything between them belongs to ``sim.docs.tables``::

    <!-- table: registers -->
    ...
    <!-- end of table -->

The JSON schema of ``manifest.json`` lies beside them and is made anew in the same way, and so are the
picture of the array and those of the timing diagrams, where the extra ``dev`` is installed.

``python -m pointwise.sim.docs --check`` changes nothing and ends with a non-zero status if one is stale.
"""

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file

from .diagrams import drawn
from .manifest import schema_text
from .tables import TABLES
from .wavefront import wavefront

ROOT = Path(__file__).parents[2]

SCHEMA = ROOT / "docs" / "manifest.schema.json"

REGION = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def documents() -> list[Path]:
    """README.md and everything in docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def renewed(text: str) -> str:
    """``text`` with every table made anew; raises PointwiseError for a table that nobody makes."""

    def table(match: re.Match[str]) -> str:
        name = match[2]
        if name not in TABLES:
            raise PointwiseError(f"there is no table {name!r}; choose one of {', '.join(sorted(TABLES))}")
        return f"{match[1]}\n{TABLES[name]()}\n\n{match[3]}"

    return REGION.sub(table, text)


def products() -> dict[Path, Callable[[], str]]:
    """All files that are made, in whole or in part, and what makes their text."""
    made: dict[Path, Callable[[], str]] = {
        path: lambda path=path: renewed(path.read_text()) for path in documents()
    }
    made[SCHEMA] = schema_text
    made[ROOT / "docs" / "wavefront.svg"] = wavefront
    if importlib.util.find_spec("wavedrom"):
        for path in sorted((ROOT / "docs" / "waves").glob("*.json")):
            made[path.with_suffix(".svg")] = lambda path=path: drawn(path.read_text())
    return made


def main(arguments: list[str]) -> int:
    """Renew the documents, or with ``--check`` name those that are out of date; returns the exit status."""
    stale = 0
    for path, make in products().items():
        before = path.read_text() if path.exists() else ""
        after = make()
        if before == after:
            continue
        if "--check" in arguments:
            print(f"{path.relative_to(ROOT)} is out of date; run python -m pointwise.sim.docs")
            stale = 1
        else:
            write_file(path, after)
            print(f"{path.relative_to(ROOT)} renewed")
    return stale
