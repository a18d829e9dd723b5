"""The tables of mutants of netlists, of some that were made up."""

import json

import pytest

from pointwise.sim.docs import netlists


@pytest.fixture(autouse=True)
def recorded(tmp_path, monkeypatch):
    fates = ("killed", "killed by time", "killed", "equivalent", "survived", "equivalent for a reason")
    mutants = [
        {"unit": unit, "change": f"bit {number}", "fate": fate, "why": "" if fate == "survived" else "so"}
        for unit in ("engine/one", "engine/two")
        for number, fate in enumerate(fates)
        if (unit, fate) != ("engine/two", "survived")
    ]
    monkeypatch.setattr(netlists, "RESULTS", tmp_path)
    (tmp_path / netlists.NETLISTS).parent.mkdir()
    (tmp_path / netlists.NETLISTS).write_text(json.dumps({"mutants": mutants}))


def test_scores_are_of_mutants_that_are_not_equivalent():
    assert netlists.scores().splitlines()[2:] == [
        "| `engine/one` | 6 | 3 | 1 | 1 | 1 | 75 % |",
        "| `engine/two` | 5 | 3 | 1 | 1 | 0 | 100 % |",
        "| all | 11 | 6 | 2 | 2 | 1 | 86 % |",
    ]


def test_reasons_are_of_what_no_proof_reaches():
    assert netlists.reasons().splitlines()[2:] == [
        "| `engine/one` | bit 4 | not known |",
        "| `engine/one` | bit 5 | so |",
        "| `engine/two` | bit 5 | so |",
    ]
