"""Timing diagrams: what is written of recorded values, and that the recorded ones are those of the core."""

import json

from pointwise.sim.docs.documents import ROOT
from pointwise.sim.docs.waves.record import DIAGRAMS, record
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


def test_the_diagrams_of_the_documents_are_those_of_the_core() -> None:
    recorded = record()
    assert set(recorded) == set(DIAGRAMS)
    for name, text in recorded.items():
        path = ROOT / "docs" / "waves" / f"{name}.json"
        assert path.read_text() == text, f"{path.name} is out of date; run python -m pointwise.sim.docs.waves"
