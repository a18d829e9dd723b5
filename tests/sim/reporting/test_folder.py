"""The files of a run: what is in them, and what is said where they are missing or damaged."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pointwise.hw.contract.registers import Cause
from pointwise.model.compiler.random_network import random_network
from pointwise.model.engine import fuse
from pointwise.sim.cli import main
from pointwise.sim.reporting.figure import MAX_KINDS
from pointwise.sim.reporting.folder import MANIFEST, PAGE, PICTURE, REPORT, TIMELINE, renew
from pointwise.sim.reporting.layers import PARTS
from pointwise.sim.reporting.summary import table

SEED = 3


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """A copy of it, to do harm to."""
    return Path(shutil.copytree(run, tmp_path / "copy"))


class Words(HTMLParser):
    """The contents of a page's table cells, its open elements, and what it asks the network for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in ("meta", "img", "input", "source"):
            self.open.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "srcset", "href")]
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data


def test_the_layers_of_a_report_are_all_of_its_cycles(run: Path) -> None:
    report = json.loads((run / REPORT).read_text())
    network = random_network(SEED)
    layers = report["layers"]
    assert sorted(entry["name"] for entry in layers) == sorted(op.name for op in fuse(network))
    rest = report["rest"]["start"] + report["rest"]["end"]
    assert sum(entry["cycles"] for entry in layers) + rest == report["cycles"]
    assert sum(entry["macs"] for entry in layers) == report["macs"] == network.macs
    size = report["array"][0] * report["array"][1]
    stream = sum(entry["causes"]["stream"] for entry in layers)
    assert sum(entry["edge_macs"] for entry in layers) == size * stream - network.macs
    assert report["useful_cycles"] + report["edge_cycles"] == stream
    for cause in Cause:
        if cause is not Cause.STREAM:
            name = cause.name.lower()
            found = sum(entry["causes"][name] for entry in layers) + (rest if cause is Cause.IDLE else 0)
            assert found == report["stall_cycles"][name]


def test_the_page_holds_every_layer_and_nothing_from_elsewhere(run: Path) -> None:
    page = (run / PAGE).read_text()
    words = Words(page)
    assert words.open == []
    report = json.loads((run / REPORT).read_text())
    cells = Words(page.partition("<h2>Cycles by layer</h2>")[2].partition("<h2>")[0]).cells
    for entry in report["layers"]:
        place = cells.index(entry["name"])
        assert cells[place + 1 : place + 3] == [f"{entry['macs']:,}", f"{entry['cycles']:,}"]
    manifest = json.loads((run / MANIFEST).read_text())
    assert {tensor["name"] for tensor in manifest["tensors"]} <= set(words.cells)
    assert {part["what"] for part in manifest["dram"]} <= set(words.cells)
    assert set(report["config"]) <= set(words.cells)
    assert all(label in page for label in PARTS.values())
    assert "a &lt; b on a core of 4×4" in page
    assert "Bit for bit" in page
    assert [link.partition(",")[0] for link in words.links] == ["data:image/png;base64"] * 2
    assert not re.search(r"https?:|url\(|@import", page)


def test_the_picture_is_one(run: Path) -> None:
    assert (run / PICTURE).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_a_difference_is_the_verdict(copy: Path) -> None:
    report = json.loads((copy / REPORT).read_text())
    report |= {"mismatches": 2, "first_mismatch": "image 0, layer head"}
    (copy / REPORT).write_text(json.dumps(report))
    renew(copy)
    page = (copy / PAGE).read_text()
    assert "DIFFERENT: 2 of 1 tensors" in page
    assert "image 0, layer head" in page
    assert "Bit for bit" not in page


def test_many_kinds_of_layers_share_a_row(copy: Path) -> None:
    names: dict[str, str] = {}
    for file in (REPORT, TIMELINE, MANIFEST):
        contents = json.loads((copy / file).read_text())
        for key in ("layers", "convolutions", "instructions"):
            for entry in contents.get(key, []):
                if entry.get("opcode", "CONV") == "CONV":
                    entry["name"] = names.setdefault(entry["name"], f"layer{len(names)}")
        (copy / file).write_text(json.dumps(contents))
    assert len(names) > MAX_KINDS
    renew(copy)


def test_the_command_makes_the_same_page_anew(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: (copy / name).read_bytes() for name in (PICTURE, PAGE)}
    for name in before:
        (copy / name).unlink()
    assert main(["report", str(copy)]) == 0
    assert {name: (copy / name).read_bytes() for name in before} == before
    assert capsys.readouterr().out.split() == [str(copy / name) for name in before]


@pytest.mark.parametrize("name", [REPORT, TIMELINE, MANIFEST])
def test_a_missing_file_is_told_in_one_sentence(
    copy: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / name).unlink()
    assert main(["report", str(copy)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"pointwise: {copy / name} cannot be read (No such file or directory); ")
    assert told.count("\n") == 1


@pytest.mark.parametrize("name", [REPORT, TIMELINE, MANIFEST])
@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", "\xff", '{"cycles": 3}'])
def test_a_damaged_file_is_told_in_one_sentence(
    copy: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / name).write_bytes(text.encode("latin-1"))
    before = (copy / PAGE).read_bytes()
    assert main(["report", str(copy)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"pointwise: {copy / name} ")
    assert "run pointwise sim again" in told
    assert told.count("\n") == 1
    assert (copy / PAGE).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        (REPORT, "layers", [{"name": "head"}]),
        (REPORT, "cycles", 0),
        (REPORT, "array", [4]),
        (REPORT, "config", 7),
        (TIMELINE, "convolutions", []),
        (TIMELINE, "convolutions", 3),
        (MANIFEST, "memory", {"activation": {}}),
        (MANIFEST, "tensors", None),
    ],
)
def test_files_that_do_not_fit_are_told_in_one_sentence(
    copy: Path, name: str, key: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = json.loads((copy / name).read_text())
    (copy / name).write_text(json.dumps(contents | {key: value}))
    assert main(["report", str(copy)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"pointwise: the files in {copy} are damaged or of different runs (")
    assert told.count("\n") == 1


def test_a_report_without_layers_still_has_its_table(run: Path) -> None:
    report = json.loads((run / REPORT).read_text())
    del report["layers"]
    assert table(report).row_count > 10


def test_what_is_no_folder_is_told_with_what_to_name(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "some.html").touch()
    (tmp_path / "authors.pth").touch()
    for path, words in (
        (
            copy / "report.html",
            f"is a file of a report; name its folder, {copy}, to make",
        ),
        (copy / "manifest.json", "is no quantised network"),
        (tmp_path / "some.html", "is no quantised network (.safetensors); name its folder"),
        (tmp_path / "authors.pth", "is a file of PyTorch, of float weights as it seems"),
        (tmp_path / "authors.pth", "make one with pointwise quantise --checkpoint"),
        (tmp_path / "none", f"there is no {tmp_path / 'none'}; name the folder of a run"),
    ):
        assert main(["report", str(path)]) == 1
        assert words in capsys.readouterr().err
