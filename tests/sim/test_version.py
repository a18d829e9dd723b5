"""Which version it is, and what cites it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from pointwise.sim import version as module
from pointwise.sim.version import ROOT, version

NUMBER = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(autouse=True)
def asked_anew():
    version.cache_clear()
    yield
    version.cache_clear()


def test_a_checkout_says_its_commit() -> None:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no checkout")
    assert re.fullmatch(rf"{re.escape(NUMBER)}\+g{done.stdout.strip()}(\.changed)?", version())


def test_another_checkout_around_it_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "site-packages").mkdir()
    monkeypatch.setattr(module, "ROOT", tmp_path / "site-packages")
    assert version() == NUMBER
    monkeypatch.setenv("PATH", "")
    assert version() == NUMBER


def test_citation_and_changes_are_of_this_version() -> None:
    assert re.search(rf"^version: {re.escape(NUMBER)}$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert re.search(rf"^## {re.escape(NUMBER)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
