"""A plugin of pytest (``-p pointwise.sim.mutation.plugin``): writes how each test ended and how long it took.

The variable ``POINTWISE_TIMES`` names the file, JSON: ``{test: [outcome, seconds]}``. With several processes
the one above them writes it.
"""

import json
import os
from pathlib import Path

import pytest

VARIABLE = "POINTWISE_TIMES"

_outcomes: dict[str, str] = {}
_seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Called with each phase of each test."""
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was seen; processes below another tell that one."""
    if not hasattr(session.config, "workerinput"):
        found = {test: [outcome, round(_seconds[test], 3)] for test, outcome in _outcomes.items()}
        Path(os.environ[VARIABLE]).write_text(json.dumps(found))
