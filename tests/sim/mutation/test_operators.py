"""What a mutant is: one change of the syntax, and nothing for people."""

import ast
from pathlib import Path

import pytest

from pointwise.sim.mutation.operators import Mutant, mutants, sources
from tests.slow import few

ROOT = Path(__file__).parents[3]


def changes(source: str) -> set[str]:
    """The texts that mutants of a source are."""
    return {mutant.applied(source) for mutant in mutants("a.py", source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b"}),
        ("a < b <= c", {"a <= b <= c", "a < b < c"}),
        ("a is not None", {"a is None"}),
        ("a not in b", {"a in b"}),
        ("a + b", {"a - b"}),
        ("(a) * (b)", {"(a) // (b)"}),
        ("a and b and c", {"a or b and c", "a and b or c"}),
        ("-a", {"a"}),
        ("x = -(-a // b)", {"x = (-a // b)", "x = -(a // b)", "x = -(-a * b)"}),
        ("not a", {" a"}),
        ("a = 7", {"a = 8", "a = 6"}),
        ("a = 0", {"a = 1"}),
        ("a = True", {"a = False"}),
        ("a = 0.5", {"a = 2.0"}),
        ("a = min(b, c)", {"a = max(b, c)"}),
        ("a = b.floor()", {"a = b.ceil()"}),
        ("a = range(b)", {"a = range((b) - 1)"}),
        ("a = range(b, c)", {"a = range(b, (c) - 1)"}),
        ("a = b if c else d", {"a = b if not (c) else d"}),
        ("f(a)", {"pass"}),
        ("m.d.sync += a.eq(b)", {"pass", "m.d.comb += a.eq(b)"}),
        (
            "m.d.comb += [a.eq(b), b.eq(c)]",
            {"m.d.comb += [*(), b.eq(c)]", "m.d.comb += [a.eq(b), *()]", "m.d.sync += [a.eq(b), b.eq(c)]"},
        ),
        ("with m.If(a): pass", {"with m.If(~(a).bool()): pass"}),
        ("é = 1 + b", {"é = 2 + b", "é = 0 + b", "é = 1 - b"}),
        ("a: int = b + c", {"a: int = b - c"}),
    ],
)
def test_what_is_changed(source: str, expected: set[str]) -> None:
    assert changes(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""One of 2."""',
        'raise ValueError(f"{a + 1} of 2")',
        'a = f"{b + 1}"',
        "from a import b",
        "def f(a: Literal[1]) -> Literal[2]: return a",
        "def __repr__(self): return self.a + 1",
        "if TYPE_CHECKING:\n    import a",
        'a = b + "text"',
        "a: int | None",
    ],
)
def test_what_is_left_alone(source: str) -> None:
    assert not changes(source)


@pytest.mark.parametrize("folder", few(("hw", "model"), ("hw",)))
def test_each_is_python_and_another_text(folder: str) -> None:
    """Of all sources, a mutant in a hundred."""
    keys: set[str] = set()
    for path, text in sources(ROOT, folder):
        found = mutants(path, text)
        for mutant in found[:: max(1, len(found) // 5)]:
            after = mutant.applied(text)
            assert ast.dump(ast.parse(after)) != ast.dump(ast.parse(text)), mutant
        names = {mutant.key for mutant in found}
        assert len(names) == len(found), path
        keys |= names
    assert len(keys) > 1000


def test_difference() -> None:
    source = "a = 1\nb = a < c\nd = 2\n"
    found = [mutant for mutant in mutants("x/y.py", source) if mutant.kind == "comparison"]
    assert found == [Mutant("x/y.py", 2, 12, 13, "<=", "comparison")]
    assert found[0].diff(source) == "--- x/y.py\n+++ x/y.py\n@@ -2 +2 @@\n-b = a < c\n+b = a <= c"
