"""The file and the row of ``pointwise accuracy`` for classes."""

import json
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.real.classes import Classes
from pointwise.sim.reporting.classes import COLUMNS, read, row, save

RESULTS = [Classes(1, 24.0, 15.0, 95.0, 100.0), Classes(2, 23.0, 16.0, 97.0, 90.0)]


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    save(path, "net", (4, 3), "pointwise accuracy", RESULTS)
    contents = read(path)
    assert contents["network"] == "net" and contents["images"] == 3
    assert contents["results"] == [result.to_dict() for result in RESULTS]


def test_a_row_has_the_mean_and_the_worst_of_the_seeds() -> None:
    cells = row("net", [result.to_dict() for result in RESULTS])
    assert cells == ("net", "96.0 % (95.0)", "23.5 dB (23.0)", "15.5 dB (15.0)", "95 % (90)")
    assert len(cells) == len(COLUMNS)
    assert row("net", [RESULTS[0].to_dict()])[1] == "95.0 %"


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(PointwiseError, match="cannot be read"):
        read(path)
    save(path, "net", (4, 3), "pointwise accuracy", RESULTS)
    contents = json.loads(path.read_text())
    for damage in ({"kind": "accuracy"}, {"results": []}, {"images": 0}):
        path.write_text(json.dumps(contents | damage))
        with pytest.raises(PointwiseError, match="is no result of pointwise accuracy for classes"):
            read(path)
