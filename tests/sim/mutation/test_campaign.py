"""Where mutants are tried, and under which names what became of them is kept."""

from pathlib import Path

import pytest

from pointwise.sim.mutation.campaign import free_place, names
from pointwise.sim.mutation.operators import Mutant


def test_places(tmp_path: Path) -> None:
    first, second = free_place(tmp_path), free_place(tmp_path)
    assert [place for _, place in (first, second)] == [tmp_path / "copy1", tmp_path / "copy2"]
    first[0].close()
    assert free_place(tmp_path)[1] == tmp_path / "copy1"


def test_survivors_are_tried_with_new_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until they are noticed or have a reason; what was found last counts."""
    source = "model/integer/rounding.py"
    first, other = (Mutant(source, 3, 10, 11, "+", "arithmetic"), Mutant(source, 4, 1, 2, "-", "arithmetic"))
    new = Mutant(source, 5, 1, 2, "-", "arithmetic")
    monkeypatch.setattr("pointwise.sim.mutation.campaign.reason", lambda path, diff: diff or None)
    done = {first.key: {"verdict": "survived", "diff": ""}, other.key: {"verdict": "killed"}}
    drawn = [first, other, new]
    assert list(names(drawn, done, None)) == [first.key, other.key, new.key]
    assert list(names(drawn, done, "abc")) == [f"{first.key} with abc", other.key, new.key]
    for verdict, expected in (("killed", "abc"), ("survived", "def")):
        later = done | {f"{first.key} with abc": {"verdict": verdict, "diff": ""}}
        assert list(names([first], later, None)) == [f"{first.key} with abc"]
        assert list(names([first], later, "def")) == [f"{first.key} with {expected}"]
    excused = {first.key: {"verdict": "survived", "diff": "a reason"}}
    assert list(names([first], excused, "abc")) == [first.key]
