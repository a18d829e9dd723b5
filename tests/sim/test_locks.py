"""Two runs into one folder at once: the second says so, and nothing is left of the lock."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.cli import main
from pointwise.sim.locks import alone

ROOT = Path(__file__).parents[2]
HOLDER = (
    "import sys, time; from pathlib import Path; from pointwise.sim.locks import alone\n"
    "with alone(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(120)"
)


@pytest.fixture
def held(tmp_path):
    """A folder that another process holds."""
    folder = tmp_path / "out"
    holder = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(holder, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield folder, process
        process.kill()


@pytest.mark.parametrize(
    "command",
    [
        ["verilog", "--rows", "1", "--cols", "1"],
        ["sim", "--config", "tiny"],
        ["compile", "--config", "tiny"],
        ["export", "--config", "tiny"],
        ["bitstream"],
        ["estimate", "--sweep", "--rows", "4,8"],
    ],
    ids=lambda command: command[0],
)
def test_a_second_run_into_a_folder_says_so(held, capsys, command):
    folder, _ = held
    assert main([*command, "--out", str(folder)]) == 1
    told = capsys.readouterr().err
    assert f"another run writes into {folder} at this moment; wait for it, or choose another" in told
    assert list(folder.iterdir()) == []


def test_a_report_is_not_made_anew_meanwhile(held, capsys):
    folder, _ = held
    assert main(["report", str(folder)]) == 1
    assert "another run writes into" in capsys.readouterr().err


def test_the_lock_ends_with_its_process_however_that_ends(held):
    folder, process = held
    process.send_signal(signal.SIGKILL)
    process.wait()
    with alone(folder):
        pass
    assert folder.is_dir(), "it was there before"


def test_nothing_is_left_behind(tmp_path):
    with alone(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "c").write_text("1")
    with alone(tmp_path / "a" / "b"):
        pass
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["c"]
    with pytest.raises(ZeroDivisionError), alone(tmp_path / "d"):
        raise ZeroDivisionError
    assert not (tmp_path / "d").exists()
    (tmp_path / "file").touch()
    with pytest.raises(PointwiseError, match="cannot be made"), alone(tmp_path / "file"):
        pass


def test_a_command_lets_go_at_its_end(tmp_path, capsys):
    for _ in range(2):
        assert main(["report", str(tmp_path)]) == 1
        assert "report.json cannot be read" in capsys.readouterr().err
