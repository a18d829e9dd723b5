"""The file and the table of ``pointwise mutate``."""

from pathlib import Path
from typing import Any

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.mutation.attempt import Verdict
from pointwise.sim.reporting import mutation
from pointwise.sim.reporting.mutation import COLUMNS, read, rows, save, survivors


def outcome(path: str, verdict: Verdict, after: str = "2") -> dict[str, Any]:
    diff = f"--- {path}\n+++ {path}\n@@ -1 +1 @@\n-1\n+{after}"
    told = {"path": path, "line": 1, "kind": "constant", "diff": diff, "verdict": str(verdict)}
    return told | {"test": None, "tests": [1, 2], "seconds": 0.5}


OUTCOMES = [
    outcome("hw/core.py", Verdict.SLOW),
    outcome("hw/bus/axi.py", Verdict.KILLED),
    outcome("hw/bus/axi.py", Verdict.SURVIVED),
    outcome("hw/bus/axi.py", Verdict.UNTESTED),
    outcome("hw/bus/axi.py", Verdict.SURVIVED, "3"),
    outcome("model/frontends/onnx/read.py", Verdict.SURVIVED, "3"),
]


@pytest.fixture(autouse=True)
def equivalent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that make 3 of 1 change nothing."""
    monkeypatch.setattr(mutation, "reason", lambda path, diff: "a reason" if "+3" in diff else None)


def test_rows() -> None:
    assert COLUMNS[2:6] == ("killed", "killed by time", "no fault", "survived")
    assert rows(OUTCOMES) == [
        ("hw", "5", "1", "1", "1", "2", "50.0 %"),
        ("hw/bus", "4", "1", "0", "1", "2", "33.3 %"),
        ("model", "1", "0", "0", "1", "0", "–"),
        ("model/frontends", "1", "0", "0", "1", "0", "–"),
    ]
    assert survivors(OUTCOMES) == OUTCOMES[2:4]


def test_file(tmp_path: Path) -> None:
    save(tmp_path / "a.json", "pointwise mutate hw", "0123abc", OUTCOMES)
    assert read(tmp_path / "a.json")["outcomes"] == OUTCOMES
    (tmp_path / "a.json").write_text('{"kind": "mutation"}')
    with pytest.raises(PointwiseError, match="is no result of pointwise mutate"):
        read(tmp_path / "a.json")
