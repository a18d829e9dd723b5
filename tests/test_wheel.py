"""What is installed from a wheel works without the tree that it was built from."""

import os
import shutil
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("hw", "model", "sim", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the tree, as setuptools leaves a folder behind."""
    tree = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tree / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "-q", "-w", "dist", "."], cwd=tree, check=True)
    (made,) = (tree / "dist").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment of its own with the wheel in it, that sees the other packages of this one."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    # Paths alone, and none of the hooks there, one of which finds this very tree.
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()))
    return home / "bin"


def run(programs: Path, folder: Path, *command: str) -> str:
    """Run a program of the environment in a folder that holds nothing of ours."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"POINTWISE_BUILD": str(folder / "build"), "COLUMNS": "100"}
    done = subprocess.run(
        [programs / command[0], *command[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_is_in_it_under_one_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        held = {name for name in file.namelist() if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in held} == {"pointwise"}
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    suffixes = {".py", *(pattern.removeprefix("*") for pattern in data)}
    files = [
        path.relative_to(ROOT)
        for top in ("hw", "model", "sim")
        for path in (ROOT / top).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    ]
    assert not {path.suffix for path in files} - suffixes, "package-data of pyproject.toml lacks an ending"
    assert held == {f"pointwise/{path}".replace("pointwise/sim/api/", "pointwise/") for path in files}


def test_a_core_is_written_from_it(programs: Path, tmp_path: Path) -> None:
    where = run(programs, tmp_path, "python", "-c", "import pointwise; print(pointwise.__file__)")
    assert Path(where.strip()).is_relative_to(programs.parent)
    run(programs, tmp_path, "pointwise", "verilog", "--rows", "2", "--cols", "2", "--out", "core")
    assert "module pointwise_core" in next((tmp_path / "core").glob("*_core.v")).read_text()
    code = (
        "import pointwise as pw; from pointwise.model import digits; data = digits.load()\n"
        "source = pw.load(); network = pw.quantise(pw.calibrate(source, data.calibration.normalised()[:8]))\n"
        "print(len(pw.compile(network, rows=2, cols=2).image) > 0)"
    )
    assert run(programs, tmp_path, "python", "-c", code) == "True\n"


@pytest.mark.slow
def test_a_core_is_simulated_from_it(programs: Path, tmp_path: Path) -> None:
    size = ("--rows", "2", "--cols", "2")
    told = run(programs, tmp_path, "pointwise", "sim", *size, "--count", "1", "--no-trace", "--out", "run")
    assert "mismatches" in told and (tmp_path / "run" / "report.html").exists()
