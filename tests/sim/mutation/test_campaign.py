"""Mutants that must be noticed, one of each kind of place, and what becomes of one that is not.

They are real faults, each in another part; the tests that must notice them are the nearest.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.docs.tree import ROOT
from pointwise.sim.mutation.campaign import Part, Verdict, _verdict, attempt
from pointwise.sim.mutation.operators import Mutant, mutants
from pointwise.sim.mutation.sandbox import Sandbox

FIXED = [
    (
        "hw/engine/streamer.py",
        "loaded.eq(self.dma_done >= wait_dma),",
        "loaded.eq(self.dma_done > wait_dma),",
        "tests/hw/engine/test_streamer.py",
    ),
    (
        "hw/engine/streamer.py",
        "row_there.eq(Mux(pipelined, self.words_done, self.rows_done) > row),",
        "row_there.eq(Mux(pipelined, self.words_done, self.rows_done) >= row),",
        "tests/hw/engine/test_streamer.py",
    ),
    (
        "hw/engine/sram.py",
        "[port.valid & (port.place.bank == index) for port in ports] for ports in (self.read, self.write)",
        "[port.valid & (port.place.bank != index) for port in ports] for ports in (self.read, self.write)",
        "tests/hw/engine/test_sram.py",
    ),
    (
        "hw/engine/layernorm.py",
        "removed = round_half_up(square7 >> (MEAN_FRACTION_BITS - 1))",
        "removed = round_half_up(square7 >> (MEAN_FRACTION_BITS + 1))",
        "tests/hw/engine/test_layernorm.py",
    ),
    (
        "model/integer/rounding.py",
        "rounded = np.asarray(value, np.int64) >> (np.asarray(shift, np.int64) - 1)",
        "rounded = np.asarray(value, np.int64) >> (np.asarray(shift, np.int64) - 0)",
        "tests/model/integer/test_functions.py",
    ),
    (
        "model/integer/softmax.py",
        "mult, leading = reciprocal(np.maximum(total, 1))",
        "mult, leading = reciprocal(np.maximum(total, 2))",
        "tests/model/integer/test_functions.py",
    ),
    (
        "model/compiler/placement.py",
        "if most is not None and first > most:",
        "if most is not None and first >= most:",
        "tests/model/compiler/test_placement.py",
    ),
    (
        "model/compiler/spilling.py",
        "if len(members) > 1:",
        "if not (len(members) > 1):",
        "tests/model/compiler/test_spilling.py",
    ),
    (
        "model/emulator/emulator.py",
        "return instruction.wait_conv <= self.finished and instruction.wait_dma <= self.transferred",
        "return instruction.wait_conv <= self.finished or instruction.wait_dma <= self.transferred",
        "tests/model/emulator/test_emulator.py",
    ),
    (
        "model/qat/sawb.py",
        "level = first * magnitude.square().mean(dim=1).sqrt() - second * mean",
        "level = first * magnitude.square().mean(dim=1).sqrt() + second * mean",
        "tests/model/qat/test_quantisers.py",
    ),
]
"""Path, line before, line after, the tests that must notice."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    yield Sandbox(tmp_path_factory.mktemp("mutation"))


def mutant_of(path: str, before: str, after: str) -> Mutant:
    """The mutant that makes one line of another."""
    source = (ROOT / path).read_text()
    for mutant in mutants(path, source):
        lines = zip(source.splitlines(), mutant.applied(source).splitlines(), strict=False)
        if any(old.strip() == before and new.strip() == after for old, new in lines):
            return mutant
    raise AssertionError(f"no mutant makes {after!r} of {before!r} in {path}")


@pytest.mark.parametrize(("path", "before", "after", "tests"), FIXED, ids=[entry[1][:30] for entry in FIXED])
def test_noticed(sandbox: Sandbox, path: str, before: str, after: str, tests: str) -> None:
    outcome = attempt(sandbox, Part(mutant_of(path, before, after), {tests: 30.0}, 1))
    assert outcome.verdict == Verdict.KILLED, outcome
    assert outcome.test is not None and outcome.test.startswith(tests.partition("::")[0])
    assert (sandbox.folder / path).read_text() == (ROOT / path).read_text()


def test_a_survivor_is_told(sandbox: Sandbox) -> None:
    """Of a test that does not look there; and of none at all."""
    path, before, after, _ = FIXED[4]
    mutant = mutant_of(path, before, after)
    test = "tests/sim/mutation/test_survey.py::test_order"
    outcome = attempt(sandbox, Part(mutant, {test: 1.0}, 7))
    assert (outcome.verdict, outcome.test, outcome.tests) == (Verdict.SURVIVED, None, (1, 7))
    assert outcome.diff == mutant.diff((ROOT / path).read_text())
    assert attempt(sandbox, Part(mutant, {}, 0)).verdict == Verdict.UNTESTED


def test_tests_that_cannot_be_run_kill_nothing(sandbox: Sandbox) -> None:
    path, before, after, _ = FIXED[4]
    mutant = mutant_of(path, before, after)
    with pytest.raises(PointwiseError, match=r"The tests of tests/nowhere\.py cannot be collected"):
        attempt(sandbox, Part(mutant, {"tests/nowhere.py": 1.0}, 1))
    gone = "tests/sim/mutation/test_survey.py::test_that_was_there_once"
    assert attempt(sandbox, Part(mutant, {gone: 1.0}, 1)).verdict == Verdict.UNTESTED


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
"""
HERE = "tests/test_made.py"


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


@pytest.mark.parametrize("limits", [(0.5, 60.0), (60.0, 2.0)], ids=["of the test", "of all"])
@pytest.mark.parametrize("name", ["hangs", "hangs_and_says_it_may"])
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


def test_steps() -> None:
    """The nearest file first; where none is near, the first test."""
    near = {"tests/model/integer/test_functions.py::a": 1.0, "tests/model/integer/test_functions.py::b": 2.0}
    far = {"tests/hw/test_b.py::c": 3.0, "tests/hw/test_d.py::e": 4.0}
    mutant = Mutant("model/integer/rounding.py", 3, 10, 11, "+", "arithmetic")
    assert Part(mutant, near | far, 9).steps() == [near, far]
    assert Part(mutant, far, 9).steps() == [{"tests/hw/test_b.py::c": 3.0}, {"tests/hw/test_d.py::e": 4.0}]
    assert Part(mutant, {}, 0).steps() == []
