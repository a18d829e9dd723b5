"""Parameters of which ``make test`` tries some, and ``make test-all`` all."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def few(values: Iterable[Any], kept: Collection[Any]) -> list[Any]:
    """What ``pytest.mark.parametrize`` takes: all values, those that are not kept marked as slow."""
    return [value if value in kept else pytest.param(value, marks=pytest.mark.slow) for value in values]
