"""Reasons are found by what a difference changes, in that direction."""

from pointwise.sim.mutation.equivalents import equivalents, reason, sides


def difference(before: str, after: str) -> str:
    return f"--- a.py\n+++ a.py\n@@ -3 +3 @@\n-    {before}\n+    {after}"


def test_sides_of_a_difference() -> None:
    assert sides(difference("x = 1", "x = 2")) == ("x = 1", "x = 2")


def test_every_reason_is_found() -> None:
    known = equivalents()
    assert known
    for (path, before, after), why in known.items():
        assert reason(path, difference(before, after or "anything else")) == why
        if after and (path, after, before) not in known:
            assert reason(path, difference(after, before)) is None
