"""Which mutants are drawn, and in which steps."""

from pathlib import Path

from pointwise.sim.mutation.operators import Mutant
from pointwise.sim.mutation.parts import Part, draw


def test_a_larger_draw_has_the_smaller(tmp_path: Path) -> None:
    for folder in ("hw", "model"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text("a = 1 + 2 + 3 + 4 + 5\n")
    few, many = (draw(["hw", "model"], count, 1, tmp_path) for count in (3, 6))
    assert few == many[:6]
    assert [sum(mutant.path.startswith(top) for mutant in many) for top in ("hw", "model")] == [6, 6]
    assert set(draw(["hw"], 100, 1, tmp_path)) == set(draw(["hw"], 100, 2, tmp_path))
    assert few != draw(["hw", "model"], 3, 2, tmp_path)


def test_steps() -> None:
    """The nearest file first; where none is near, the first test."""
    near = {"tests/model/integer/test_functions.py::a": 1.0, "tests/model/integer/test_functions.py::b": 2.0}
    far = {"tests/hw/test_b.py::c": 3.0, "tests/hw/test_d.py::e": 4.0}
    mutant = Mutant("model/integer/rounding.py", 3, 10, 11, "+", "arithmetic")
    assert Part(mutant, near | far, 9).steps() == [near, far]
    assert Part(mutant, far, 9).steps() == [{"tests/hw/test_b.py::c": 3.0}, {"tests/hw/test_d.py::e": 4.0}]
    assert Part(mutant, {}, 0).steps() == []
