"""The Makefile: variables become options, and a set-up that cannot start says so in one sentence."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of nothing but the files that the Makefile's own rules need, set up by pretence."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("true"), tmp_path / ".venv" / "bin" / "python")
    (tmp_path / ".venv" / ".ready").write_text(str(tmp_path))
    for extra in (".dev", ".docs", ".fpga"):
        (tmp_path / ".venv" / extra).touch()
    return tmp_path


def make(checkout: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make there, with little of the environment: a make above exports all of its command line."""
    outside = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return subprocess.run(
        ["make", *arguments],
        cwd=checkout,
        env={**outside, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["sim"], "pointwise sim"),
        (["sim", "ROWS=8", "COLS=16"], 'pointwise sim --rows "8" --cols "16"'),
        (["sim", "CHECKPOINT=my file", "ACT_KIB=9"], 'pointwise sim --act-kib "9" --checkpoint "my file"'),
        (["sim", "TRACE=1", "WAVES=yes"], "pointwise sim --trace --waves"),
        (["sim", "TRACE=0", "WAVES="], "pointwise sim --no-trace"),
        (["verilog", "ROWS=4", "OUT=x", "ARGS=--force"], 'pointwise verilog --rows "4" --out "x" --force'),
        (["bitstream", "BOARD=x", "SEEDS=4"], 'pointwise bitstream --board "x" --seeds "4"'),
        (
            ["test", "JOBS=1", "ARGS=-k array"],
            'python -m pytest -q -n 1 --dist worksteal -m "not slow" -k array',
        ),
        (["test-all"], "python -m pytest -q -n 2 --dist worksteal"),
    ],
)
def test_variables_become_options(checkout: Path, arguments: list[str], command: str) -> None:
    done = make(checkout, "-n", *arguments)
    assert done.stdout.split() == f".venv/bin/{command}".split(), done.stderr


def test_variables_of_a_make_above_do_not_reach_these_tests(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ARGS", "JOBS", "ROWS", "SEED", "PYTHON"):
        monkeypatch.setenv(name, "outside")
    assert "outside" not in make(checkout, "-n", "sim").stdout + make(checkout, "-n", "test").stdout


def test_variables_of_the_environment_count_too(checkout: Path) -> None:
    assert '--rows "8"' in make(checkout, "-n", "sim", ROWS="8").stdout


def test_setup_is_done_once(checkout: Path) -> None:
    assert make(checkout, "-q", ".venv/.ready").returncode == 0


@pytest.mark.parametrize("spoil", ["pyproject", "constraints", "moved", "interpreter", "stamp"])
def test_setup_is_done_again_when_it_must_be(checkout: Path, spoil: str) -> None:
    stamp = checkout / ".venv" / ".ready"
    if spoil == "moved":
        stamp.write_text("/somewhere/else")
    elif spoil == "interpreter":
        (checkout / ".venv" / "bin" / "python").unlink()
    elif spoil == "stamp":
        stamp.unlink()
    else:
        os.utime(stamp, (0, 0))
        other = "constraints.txt" if spoil == "pyproject" else "pyproject.toml"
        os.utime(checkout / other, (0, 0))
    assert make(checkout, "-q", ".venv/.ready").returncode == 1


@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_unfit_python_is_told_and_nothing_is_made(checkout: Path, python: str) -> None:
    shutil.rmtree(checkout / ".venv")
    done = make(checkout, "setup", f"PYTHON={python}")
    assert done.returncode != 0
    assert done.stderr.startswith("Pointwise needs Python 3.11 or newer")
    assert f"'{python}'" in done.stderr
    assert not (checkout / ".venv").exists()


def test_interrupted_setup_starts_over_and_a_failed_one_leaves_no_stamp(checkout: Path) -> None:
    """A python that cannot install anything stands for pip failing."""
    fake = checkout / "fake-python"
    fake.write_text(
        '#!/bin/sh\ncase "$*" in *"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;;'
        ' *"pip install"*) exit 1;; esac\n'
    )
    fake.chmod(0o755)
    (checkout / ".venv" / ".half").touch()
    (checkout / ".venv" / "leftover").touch()
    done = make(checkout, "setup", "-B", "PYTHON=./fake-python")
    assert done.returncode != 0
    assert "Installing failed" in done.stderr
    assert not (checkout / ".venv" / "leftover").exists()
    assert not (checkout / ".venv" / ".ready").exists()
    assert (checkout / ".venv" / ".half").exists()


def test_help_names_every_target(checkout: Path) -> None:
    told = make(checkout).stdout
    for target in ("sim", "test", "test-all", "verilog", "doctor", "lint", "clean", "fpga"):
        assert f"make {target} " in told
