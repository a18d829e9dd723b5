"""Tests run in a copy of the project: which, in which order, how long, and what is left of them."""

import os
import re
import shutil
from pathlib import Path

import pytest

from pointwise.sim.mutation.attempt import Verdict, _verdict
from pointwise.sim.mutation.sandbox import Sandbox

TESTS = """
import os, subprocess, sys, time
import pytest

def test_imports():
    libraries = {"numpy", "torch", "amaranth"}
    assert libraries <= set(sys.modules)
    import pointwise.model
    assert pointwise.model.__file__.startswith(os.getcwd()), pointwise.model.__file__

def test_passes(): ...

def test_fails():
    raise ValueError("as it should")

def test_hangs():
    started = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    print("sleeps:", started.pid)
    try:
        started.wait()
    finally:
        started.kill()
        started.wait()

@pytest.mark.timeout(0)
def test_hangs_and_says_it_may():
    test_hangs()

def test_hangs_and_has_a_name_that_leaves_no_room_for_a_reason_in_the_width_of_a_terminal():
    test_hangs()
"""
HERE = "tests/test_made.py"
LONG = "hangs_and_has_a_name_that_leaves_no_room_for_a_reason_in_the_width_of_a_terminal"
LEFT = ("fails", "hangs", "hangs_and_says_it_may", LONG)


@pytest.fixture
def made(sandbox: Sandbox) -> Sandbox:
    (sandbox.folder / HERE).write_text(TESTS)
    return sandbox


def test_tests_run_in_their_order_in_a_process_that_has_the_libraries_and_the_copy(made: Sandbox) -> None:
    names = [f"{HERE}::test_{name}" for name in ("passes", "imports", "fails", "hangs")]
    ended = made.pytest(["-x", "-vv", HERE], 60, tests=dict.fromkeys(names, 20.0))
    assert ended.status == 1
    told = [line.split()[:2] for line in ended.output.splitlines() if line.startswith(f"{HERE}::")]
    assert told == [[names[0], "PASSED"], [names[1], "PASSED"], [names[2], "FAILED"]]
    assert made.pytest([HERE], 60, tests={names[1]: 20.0}, variables={"A": "b"}).status == 0


def test_a_file_stands_for_its_other_tests(made: Sandbox) -> None:
    tests, left = {f"{HERE}::test_imports": 20.0, HERE: 20.0}, [f"{HERE}::test_{name}" for name in LEFT]
    ended = made.pytest(["-vv", HERE], 60, tests=tests, left=left)
    told = [line.split()[:2] for line in ended.output.splitlines() if line.startswith(f"{HERE}::")]
    assert told == [[f"{HERE}::test_imports", "PASSED"], [f"{HERE}::test_passes", "PASSED"]]


@pytest.mark.parametrize("limits", [(0.5, 60.0), (60.0, 2.0)], ids=["of the test", "of all"])
@pytest.mark.parametrize("name", ["hangs", "hangs_and_says_it_may", LONG])
def test_what_hangs_is_ended_with_what_it_started(
    made: Sandbox, name: str, limits: tuple[float, float]
) -> None:
    limit, all_of_them = limits
    ended = made.pytest(["-s", HERE], all_of_them, tests={f"{HERE}::test_{name}": limit})
    assert ended.status == (1 if limit < all_of_them else None), ended
    assert _verdict(ended)[0] == Verdict.SLOW
    assert ended.seconds < 30
    found = re.search(r"sleeps: (\d+)", ended.output)
    assert found is not None, ended.output
    with pytest.raises(ProcessLookupError):
        os.kill(int(found[1]), 0)


def test_what_hangs_while_it_is_imported_is_ended(made: Sandbox) -> None:
    (made.folder / HERE).write_text("import signal\nsignal.alarm(1)\nwhile True: ...\n")
    ended = made.pytest([HERE], 60, tests={HERE: 1.0})
    assert _verdict(ended)[0] == Verdict.SLOW
    assert ended.seconds < 30


@pytest.mark.parametrize("same_hardware", [False, True])
def test_simulators_of_changed_hardware_are_removed(made: Sandbox, same_hardware: bool) -> None:
    simulator = made.build / "benches" / "core-0123"
    simulator.mkdir(parents=True)
    passes = {f"{HERE}::test_passes": 1.0}
    assert made.pytest([HERE], 60, tests=passes, same_hardware=same_hardware).status == 0
    assert simulator.exists() == same_hardware
    shutil.rmtree(simulator, ignore_errors=True)


def test_a_copy_ends_what_it_forks_from(tmp_path: Path) -> None:
    copy = Sandbox(tmp_path / "copy")
    process = copy._forks._process
    assert process.poll() is None
    del copy
    assert process.poll() == 0
