"""``pointwise speed``: its tables and its file."""

import json
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.evaluate.speed import Speed
from pointwise.sim.cli.entry import main
from pointwise.sim.reporting.speed import read, save, table


def test_it_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "speed.json"
    given = ["--model", "micro", "--batch", "1", "--batch", "2", "--repeats", "1", "--out", str(out)]
    assert main(["speed", *given]) == 0
    told = capsys.readouterr().out
    assert "micro: an image, in seconds" in told and "2 at a time" in told
    rows = read(out)["rows"]
    assert [(row.network, row.batch) for row in rows] == [("micro", 1), ("micro", 2)]
    assert all(row.float_s > 0 and row.integer_s > 0 for row in rows)


def test_a_line_for_each_network() -> None:
    rows = [Speed("a", 1, 2.0, 3.0), Speed("b", 2, 1.0, 4.0)]
    columns, lines = table(rows)
    assert columns == ("integers over float32", "1 at a time", "2 at a time")
    assert lines == [("a", "1.50", "–"), ("b", "–", "4.00")]


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    save(path, "pointwise speed", 2, [Speed("a", 1, 2.0, 3.0)])
    contents = json.loads(path.read_text())
    contents["rows"][0]["batch"] = 0
    path.write_text(json.dumps(contents))
    with pytest.raises(PointwiseError, match=r"is no result of pointwise speed .*run that again"):
        read(path)
