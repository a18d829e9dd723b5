"""Mutants that are known to change nothing: ``equivalents.toml``, by file and line, each with its reason."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Annotated, Generic, TypeVar

from pydantic import Field

from pointwise.hw.contract.form import Form

FILE = Path(__file__).with_name("equivalents.toml")
Text = Annotated[str, Field(min_length=1)]


Kind = TypeVar("Kind", bound=Form)


class Entries(Form, Generic[Kind]):
    """What a file of mutants with reasons holds: of sources here, of netlists in ``netlist_equivalents``."""

    equivalent: Annotated[list[Kind], Field(default_factory=list)]


class _Equivalent(Form):
    path: Text
    before: Text
    after: Text | None = None
    reason: Text


@functools.cache
def equivalents() -> dict[tuple[str, str, str | None], str]:
    """The reasons, by path and the line before and after; without the latter where any other number does."""
    entries = Entries[_Equivalent].of(tomllib.loads(FILE.read_text())).equivalent
    return {(entry.path, entry.before, entry.after): entry.reason for entry in entries}


def reason(path: str, diff: str) -> str | None:
    """Why a mutant, given by its difference, changes nothing; None of one that should."""
    before, after = sides(diff)
    known = equivalents()
    return known.get((path, before, after)) or known.get((path, before, None))


def sides(diff: str) -> tuple[str, str]:
    """What a difference changes, before and after, without blanks at the ends of lines."""
    lines = diff.splitlines()[3:]
    before, after = (" ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+")
    return before, after
