"""The command in surroundings that are not ours: another user, no home, letters that cannot be printed."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slow import few

ROOT = Path(__file__).parents[2]
POINTWISE = [sys.executable, "-c", "import sys; from pointwise.sim.cli import main; sys.exit(main())"]
DROP, OVERRIDES = 24, (1, 2, 3)
"""PR_CAPBSET_DROP of prctl, and the capabilities by which root is above permissions."""
NEW = {"verilog": ["verilog", "--rows", "1", "--cols", "1"], "compile": ["compile", "--config", "tiny"]}


def as_another_user() -> None:
    """For ``preexec_fn``: permissions count, and what is made is for this user alone."""
    if os.geteuid() == 0:
        for capability in OVERRIDES:
            ctypes.CDLL(None).prctl(DROP, capability, 0, 0, 0)
    os.umask(0o077)


@pytest.fixture
def checkout(tmp_path: Path):
    """A folder that can be read and not written, as another user's checkout."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def pointwise(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command as another user, with hardly a variable of the environment: HOME is none of them."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [*POINTWISE, *arguments],
        cwd=cwd,
        env=environment,
        preexec_fn=as_another_user,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("name", few(NEW, list(NEW)[:1]))
def test_a_checkout_that_cannot_be_written_is_told_or_left_alone(checkout: Path, tmp_path: Path, name: str):
    refused = pointwise(*NEW[name], cwd=checkout)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"pointwise: the folder {checkout}/build/")
    assert "cannot be made (Permission denied); choose another one with --out, or set POINTWISE_BUILD" in (
        refused.stderr
    )
    assert refused.stderr.count("\n") == 1
    done = pointwise(*NEW[name], cwd=checkout, POINTWISE_BUILD=str(tmp_path / "build"))
    assert (done.returncode, done.stderr) == (0, "")
    made = [path for path in (tmp_path / "build").rglob("*") if path.is_file()]
    assert made and all(path.stat().st_mode & 0o077 == 0 for path in made)
    assert list(checkout.iterdir()) == []


def test_results_that_have_no_place_are_told_before_the_work(checkout: Path):
    refused = pointwise("quantise", cwd=checkout)
    assert refused.returncode == 1
    assert refused.stderr == (
        f"pointwise: {checkout}/build: Permission denied; set POINTWISE_BUILD to a folder that can be "
        "written, or run it in one\n"
    )


def test_letters_that_the_output_does_not_have_are_escaped(tmp_path: Path):
    out = tmp_path / "größe-鉛"
    done = pointwise(*NEW["verilog"], "--out", str(out), cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert (out / "pointwise_core.v").exists()
    assert "gr\\xf6\\xdfe-\\u925b" in done.stdout
    refused = pointwise("report", str(tmp_path / "鉛"), cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert refused.returncode == 1 and refused.stderr.startswith("pointwise: there is no ")


def test_brackets_in_a_path_are_printed(tmp_path: Path):
    out = tmp_path / "[bold]a[/b]"
    done = pointwise(*NEW["verilog"], "--out", str(out), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"in {out}\n")
