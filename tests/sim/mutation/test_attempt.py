"""Mutants that must be noticed, one of each kind of place, and what becomes of one that is not.

They are real faults, each in another part; the tests that must notice them are the nearest.
"""

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.docs.tree import ROOT
from pointwise.sim.mutation.attempt import Verdict, attempt
from pointwise.sim.mutation.operators import Mutant, mutants
from pointwise.sim.mutation.parts import Part
from pointwise.sim.mutation.sandbox import Sandbox

FIXED = [
    (
        "hw/engine/streamer.py",
        "loaded.eq(dmas >= 0),",
        "loaded.eq(dmas > 0),",
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


def mutant_of(path: str, before: str, after: str) -> Mutant:
    """The mutant that makes one line of another."""
    source = (ROOT / path).read_text()
    for mutant in mutants(path, source):
        lines = zip(source.splitlines(), mutant.applied(source).splitlines(), strict=False)
        if any(old.strip() == before and new.strip() == after for old, new in lines):
            return mutant
    raise AssertionError(f"no mutant makes {after!r} of {before!r} in {path}")


@pytest.mark.parametrize(
    ("path", "before", "after", "tests"),
    [pytest.param(*one, marks=pytest.mark.slow if one[0].startswith("hw/") else ()) for one in FIXED],
    ids=[entry[1][:30] for entry in FIXED],
)
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


@pytest.mark.parametrize("busy", [False, True])
def test_a_busy_machine_kills_nothing(sandbox: Sandbox, monkeypatch, busy: bool) -> None:
    """A test that takes too long without the mutant too gets more time."""
    path, before, after, _ = FIXED[4]
    mutant = mutant_of(path, before, after)
    made = "tests/test_made.py"
    monkeypatch.setattr("pointwise.sim.mutation.attempt.STARTING", 2.0)
    monkeypatch.setattr("pointwise.sim.mutation.attempt.PATIENCE", 0.0)
    there = f'{after!r} in open("{path}").read()'
    (sandbox.folder / made).write_text(
        f"import time\ndef test_waits(): time.sleep(4 if {busy} or {there} else 0)\n"
    )
    expected = Verdict.SURVIVED if busy else Verdict.SLOW
    assert attempt(sandbox, Part(mutant, {f"{made}::test_waits": 0.1}, 1)).verdict == expected
