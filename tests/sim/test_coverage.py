"""``pointwise coverage``: its file, its tables, going on where it was, and what it says of errors."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.coverage import STEPS, Row, catalogue, libraries, survey
from pointwise.model.parallel import Local
from pointwise.sim.cli import main
from pointwise.sim.docs import coverage as documents
from pointwise.sim.reporting.coverage import COLUMNS, TOTALS, cells, read, refusals, save, totals

ROWS = [
    Row("timm/one", "timm", True, len(STEPS), 2.5e-7, None, False, "8×8", 10, 1.0),
    Row("timm/two", "timm", False, 3, 1e-6, "it is too large", False, "8×8", 10, 1.0),
    Row("torchvision/three", "torchvision", False, 0, None, "roll is not known", False, "9×8", 10, 1.0),
]


def test_a_row_says_how_far_it_came() -> None:
    assert cells(ROWS[0]) == ("timm/one", "8×8", "two", "2e-07", *["yes"] * 5)
    assert cells(ROWS[1])[2:] == ("all", "1e-06", "yes", "yes", "yes", "no", "–")
    assert cells(ROWS[2])[3:] == ("–", "no", *"––––")
    assert len(cells(ROWS[0])) == len(COLUMNS)


def test_groups_are_counted_by_themselves() -> None:
    assert totals(ROWS) == [
        ("timm", "2", "2", "2", "2", "1", "1"),
        ("torchvision", "1", *"00000"),
        ("all", "3", "2", "2", "2", "1", "1"),
    ]
    assert len(totals(ROWS)[0]) == len(TOTALS)
    assert refusals(ROWS) == [("timm/two", "it is too large"), ("torchvision/three", "roll is not known")]


def test_a_file_gives_back_what_was_saved_and_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "new" / "coverage.json"
    save(path, {"timm": "1"}, "pointwise coverage", ROWS)
    assert read(path)["rows"] == ROWS
    contents = json.loads(path.read_text())
    for damage in ({"kind": "methods"}, {"rows": []}, {"rows": [contents["rows"][0] | {"passed": 6}]}):
        path.write_text(json.dumps(contents | damage))
        with pytest.raises(PointwiseError, match="is no result of pointwise coverage"):
            read(path)


def test_the_document_has_what_was_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    save(tmp_path / "coverage.json", {"timm": "1", "torchvision": "2"}, "pointwise coverage", ROWS)
    monkeypatch.setattr(documents, "RESULTS", tmp_path)
    documents._recorded.cache_clear()
    assert "with timm 1 and torchvision 2." in documents.counted()
    assert "| `torchvision/three` | roll is not known |" in documents.refused()
    assert documents.everything().count("\n") == 1 + len(ROWS)
    documents._recorded.cache_clear()


def test_libraries_that_are_not_installed_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(libraries, "find_spec", lambda name: None)
    assert main(["coverage"]) == 1
    told = capsys.readouterr().err
    assert "timm is not installed; run make coverage" in told and told.count("\n") == 1


@pytest.fixture
def installed() -> None:
    try:
        catalogue()
    except PointwiseError as missing:
        pytest.skip(str(missing))


def test_it_tries_prints_and_writes(
    installed: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    results, out = tmp_path / "rows.jsonl", tmp_path / "coverage.json"
    only = [*("--only", "timm/test_vit4"), *("--only", "deit_tiny_patch16_224")]
    given = [*only, "--workers", "1", "--results", str(results), "--out", str(out)]
    assert main(["coverage", *given]) == 0
    told = capsys.readouterr().out
    assert "timm/deit_tiny_patch16_224: equal" in told and "RMSNorm takes off no mean" in told
    recorded = read(out)
    assert [row.passed for row in recorded["rows"]] == [0, len(STEPS)]
    assert recorded["command"] == "pointwise coverage --only timm/test_vit4 --only deit_tiny_patch16_224"
    # A second time nothing is tried any more.
    before = results.read_bytes()
    assert main(["coverage", *given]) == 0 and results.read_bytes() == before


def test_a_fault_ends_with_an_error(
    installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = Row("timm/test_vit", "timm", True, 1, 0.1, "the logits differ", True, "8×8", 10, 1.0)
    monkeypatch.setattr("pointwise.model.coverage.survey", lambda *given: [row])
    assert main(["coverage", "--only", "timm/test_vit4", "--results", str(tmp_path / "rows")]) == 1
    assert "of timm/test_vit something is wrong" in capsys.readouterr().err


def test_the_results_of_another_program_are_not_gone_on_with(
    installed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, entries = tmp_path / "rows", catalogue(["timm/test_vit4"])
    assert survey(entries, path, Local(1))[0].passed == 0
    module = import_module("pointwise.model.coverage.survey")
    monkeypatch.setattr(module, "code_digest", lambda: "another")
    with pytest.raises(PointwiseError, match="with other weights, settings or code"):
        survey(entries, path, Local(1))
