"""``pointwise board simulate`` as a process: how it ends. A shell script stands for the simulator."""

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("litex", reason="needs LiteX; run make fpga")

import pointwise.hw.boards.elaborate
from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.sim.board import simulated

ROOT = Path(__file__).parents[3]
COMMAND = """
import sys
from pathlib import Path
from types import SimpleNamespace
from pointwise.sim.board import simulated
from pointwise.sim.cli import main
simulated.build_board = lambda core: simulated.SimulatedBoard(
    SimpleNamespace(executable=Path(sys.argv[1])), Path(sys.argv[1]))
sys.exit(main(["board", "simulate"]))
"""


def ignores_interruptions():
    """As a shell starts its background jobs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def simulating(folder, script, preexec=None):
    """The command with a simulator that does what a script says, once it simulates."""
    simulator = folder / "simulator"
    simulator.write_text(f"#!/bin/sh\necho /dev/somewhere\n{script}\n")
    simulator.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(simulator)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "POINTWISE_BUILD": str(folder / "build")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=preexec,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("preexec", [None, ignores_interruptions], ids=["foreground", "background"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_of_the_group_is_an_interruption(tmp_path, number, preexec):
    ended = tmp_path / "ended"
    with simulating(tmp_path, f"cat > {ended}\necho well >> {ended}", preexec) as process:
        assert "--uart /dev/somewhere" in process.stdout.readline()
        os.killpg(process.pid, number)
        _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (130, "pointwise: interrupted\n")
    assert ended.read_text() == "well\n"


def test_a_simulator_that_ends_by_itself_is_told_at_once(tmp_path):
    with simulating(tmp_path, "echo SDRAM CHECK: tREF at cycle 5") as process:
        _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the simulated board stopped: SDRAM CHECK: tREF at cycle 5" in told


def test_two_simulations_have_their_own_files(tmp_path):
    with simulating(tmp_path, "cat") as one, simulating(tmp_path, "cat") as other:
        for process in (one, other):
            process.stdout.readline()
        assert len(list((tmp_path / "build").glob("board-*.log"))) == 2
        for process in (one, other):
            process.terminate()
            process.communicate(timeout=30)


def test_each_configuration_is_elaborated_in_its_own_locked_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("POINTWISE_BUILD", str(tmp_path))
    folders = []

    def elaborate(board, config, clock_mhz, folder):
        with folder.with_name(folder.name + ".lock").open("w") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folders.append(folder)
        return SimpleNamespace(texts=list, host=folder / "board.json")

    monkeypatch.setattr(pointwise.hw.boards.elaborate, "elaborate", elaborate)
    monkeypatch.setattr(simulated, "build", lambda *sources, **options: None)
    tiny = PRESETS["tiny"]
    wider = CoreConfig(**{**vars(tiny), "axi_data_width": 32})
    for config, clock in ((tiny, 100), (tiny, 50), (wider, 100), (tiny, 100)):
        simulated.build_board(config, clock)
    assert len(set(folders)) == 3
    assert folders[0] == folders[3]
