"""Mutants that are known to change nothing: ``equivalents.toml``, by file and line, each with its reason."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from pointwise.hw.contract.form import Form

FILE = Path(__file__).with_name("equivalents.toml")
Text = Annotated[str, Field(min_length=1)]


class _Equivalent(Form):
    path: Text
    before: Text
    after: Text
    reason: Text


class _File(Form):
    equivalent: Annotated[list[_Equivalent], Field(default_factory=list)]


@functools.cache
def equivalents() -> dict[tuple[str, str, str], str]:
    """The reasons, by path and the line before and after."""
    entries = _File.of(tomllib.loads(FILE.read_text())).equivalent
    return {(entry.path, entry.before, entry.after): entry.reason for entry in entries}


def reason(path: str, diff: str) -> str | None:
    """Why a mutant, given by its difference, changes nothing; None of one that should."""
    lines = diff.splitlines()[3:]
    before = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return equivalents().get((path, before, after))
