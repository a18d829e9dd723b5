"""Mutants of netlists that change nothing anybody sees, with reasons: ``netlist_equivalents.toml``."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path

from pointwise.hw.contract.form import Form

from .equivalents import Entries, Text

FILE = Path(__file__).with_name("netlist_equivalents.toml")


class Equivalent(Form):
    """Mutants of a unit whose words a pattern matches whole, and why nobody can notice them."""

    unit: Text
    change: Text
    reason: Text


@functools.cache
def equivalents() -> list[Equivalent]:
    """All that the file holds."""
    return Entries[Equivalent].of(tomllib.loads(FILE.read_text())).equivalent


def reason(unit: str, change: str) -> str | None:
    """Why a mutant, given by its unit and its words, changes nothing; None of one that should."""
    fitting = (one for one in equivalents() if one.unit == unit and re.fullmatch(one.change, change))
    return next((one.reason for one in fitting), None)
