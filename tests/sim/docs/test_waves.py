"""Timing diagrams: what is written of recorded values, and that the recorded ones are those of the core."""

import json
from pathlib import Path

import pytest

from pointwise.sim.docs.documents import ROOT
from pointwise.sim.docs.waves.inside import INSIDE, record_inside, waves
from pointwise.sim.docs.waves.record import DIAGRAMS, record
from pointwise.sim.docs.waves.trace import declarations, sampled
from pointwise.sim.docs.waves.wavejson import QUIET, Row, diagram

ROWS = {
    "b": [Row("b_valid"), Row("b_data", "b_valid", digits=2), Row("b_resp", "b_valid", words=("GOOD", "BAD"))]
}


def lines(samples: dict[str, list[int | None]], cycles: range) -> dict[str, dict[str, object]]:
    body = json.loads(diagram("title", ROWS, samples, cycles))
    clock, (bus, *rows) = body["signal"]
    assert (body["head"]["text"], clock["name"], bus) == ("title", "clk", "b")
    return {row["name"]: row for row in [clock, *rows]}


def test_values_are_shown_where_they_count() -> None:
    samples = {
        "b_valid": [0, 1, 1, 1, 0],
        "b_ready": [1, 1, 0, 1, 1],
        "b_data": [9, 16, 16, 16, 16],
        "b_resp": [1, 0, 0, 1, 1],
    }
    shown = lines(samples, range(5))
    assert shown["valid"]["wave"] == "01..0"
    # The second beat is new although it looks like the first; in the third cycle nobody had taken it.
    assert (shown["data"]["wave"], shown["data"]["data"]) == ("x==.x", ["10", "10"])
    assert (shown["resp"]["wave"], shown["resp"]["data"]) == ("x=.=x", ["GOOD", "BAD"])


def test_quiet_cycles_become_a_gap() -> None:
    length = QUIET + 5
    samples = {"b_valid": [0] * length + [1], "b_data": [0] * length + [1], "b_resp": [0] * length + [0]}
    shown = lines(samples, range(length + 1))
    wave = "0" + "." * (QUIET - 2) + "|1"
    assert shown["valid"]["wave"] == wave
    assert shown["clk"]["wave"] == "p" + "." * (QUIET - 2) + "|."


@pytest.mark.slow
def test_the_diagrams_of_the_documents_are_those_of_the_core() -> None:
    recorded = record()
    assert set(recorded) == set(DIAGRAMS)
    for name, text in recorded.items():
        path = ROOT / "docs" / "waves" / f"{name}.json"
        assert path.read_text() == text, f"{path.name} is out of date; run python -m pointwise.sim.docs.waves"


VCD = """$version x $end
$timescale 1ps $end
$scope module $rootio $end
$upscope $end
$scope module top $end
 $var wire 1 # clk $end
 $scope module inner $end
  $var wire 4 ! count [3:0] $end
 $upscope $end
 $var wire 1 x! flag $end
$upscope $end
$enddefinitions $end
#0
0#
bxxxx !
#5
1#
0x!
#6
b0101 !
#10
0#
#15
1#
b0110 !
1x!
#20
0#
#25
1#
"""


def test_samples_are_what_has_settled_before_the_clock_rises(tmp_path: Path) -> None:
    path = tmp_path / "dump.vcd"
    path.write_text(VCD)
    assert list(declarations(path)) == ["top.clk", "top.inner.count", "top.flag"]
    samples = sampled(path, "top.clk", {"n": "top.inner.count", "f": "top.flag"})
    assert samples == {"n": [None, 5, 6], "f": [None, 0, 1]}
    with pytest.raises(KeyError, match="nothing"):
        sampled(path, "top.clk", {"n": "top.nothing"})


def test_states_are_drawn_where_they_change() -> None:
    rows = {"": [Row("state", words=("A", "B"), state=True)]}
    body = json.loads(diagram("title", rows, {"state": [0, 0, 1, 1, 0]}, range(5)))
    assert body["signal"][1] == {"name": "state", "wave": "=.=.=", "data": ["A", "B", "A"]}


@pytest.mark.slow
def test_diagrams_of_the_inside_are_those_of_the_core() -> None:
    made = record_inside(waves())
    assert made.keys() == INSIDE.keys()
    for name, text in made.items():
        path = ROOT / "docs" / "waves" / f"{name}.json"
        assert path.read_text() == text, f"{path.name} is out of date; run python -m pointwise.sim.docs.waves"
