"""Which tests a mutant is tried with, and in which order."""

from dataclasses import replace
from pathlib import Path

import coverage
import pytest

from pointwise.sim.mutation.operators import Mutant
from pointwise.sim.mutation.parts import part_of
from pointwise.sim.mutation.survey import LINES, NEW, UNKNOWN, Survey, distance

SOURCE = "model/integer/rounding.py"
NEAR, FAR, QUICK, BESIDE = (
    "tests/model/integer/test_rounding.py::test_a[1|2]",
    "tests/hw/test_b.py::test_b",
    "tests/hw/test_b.py::test_c",
    "tests/hw/test_b.py::test_d",
)

FILES = ("model/integer/test_other", "model/integer/test_rounding", "hw/test_b")


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Survey:
    """Line 3 is run by three tests, 4 by an import, 5 by none; BESIDE shares a file with two of the three."""
    monkeypatch.setattr("pointwise.sim.mutation.survey.ROOT", tmp_path)
    write(tmp_path, {SOURCE: "import a\ndef b():\n    c()\n    d()\n"})
    data = coverage.CoverageData(str(tmp_path / LINES))
    for test in (FAR, QUICK, NEAR, "a test that failed"):
        data.set_context(f"{test}|run")
        data.add_lines({SOURCE: [1, 3]})
    data.set_context("")
    data.add_lines({SOURCE: [1, 2, 3, 4]})
    data.write()
    return Survey(tmp_path, {FAR: 5.0, QUICK: 1.0, NEAR: 9.0, BESIDE: 0.1, "tests/x.py::y": 0.1})


def write(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_order(survey: Survey) -> None:
    """The nearest, then the quick ones, then those beside them."""
    assert survey.tests_of(SOURCE, 3) == [NEAR, QUICK, FAR, BESIDE]
    assert survey.tests_of(SOURCE, 4) == [NEAR, QUICK, FAR, BESIDE]


def test_what_an_import_runs_is_of_all_tests_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who imports a module in the middle of a test is seen running it, though others test it."""
    monkeypatch.setattr("pointwise.sim.mutation.survey.ROOT", tmp_path)
    data = coverage.CoverageData(str(tmp_path / LINES))
    for test, lines in ((FAR, [1, 2, 4]), (NEAR, [3])):
        data.set_context(f"{test}|run")
        data.add_lines({SOURCE: lines})
    data.write()
    text = "a = 1\ndef f(b=a):\n    c()\nclass D: e = 2\n"
    write(tmp_path, {SOURCE: text})
    survey = Survey(tmp_path, {FAR: 5.0, NEAR: 9.0}, {SOURCE: text})
    found = {line: survey.tests_of(SOURCE, line) for line in (1, 2, 3, 4)}
    assert found == {1: [NEAR, FAR], 2: [NEAR, FAR], 3: [NEAR], 4: [NEAR, FAR]}


def test_what_no_test_was_seen_running(survey: Survey, tmp_path: Path) -> None:
    """Files of tests count that mirror the source or its folder, or name it; or else the folder above."""
    texts = {
        "tests/model/integer/test_other.py": "",
        "tests/model/integer/test_rounding.py": "",
        "tests/hw/test_b.py": "from pointwise.model.integer.other import a",
        "tests/hw/test_others.py": "from pointwise.model.integer.others import a",
        "tests/hw/test_new.py": "from pointwise.model.folder.new import a",
        "tests/model/test_x.py": "",
    }
    write(tmp_path, texts)
    other, rounding, b = (f"tests/{name}.py" for name in FILES)
    assert survey.tests_of("model/integer/other.py", 3) == [other, rounding, NEAR, b, BESIDE, QUICK, FAR]
    assert [survey.seconds_of(file) for file in (other, rounding, b)] == [UNKNOWN, NEW, NEW]
    assert set(survey.tests_of("model/folder/new.py", 3)) == {"tests/model/test_x.py", "tests/hw/test_new.py"}


def test_a_new_source_is_tested_with_what_imports_it(survey: Survey, tmp_path: Path) -> None:
    texts = {
        SOURCE: "from .other import a",
        "model/integer/another.py": "from .others import a",
        "model/integer/other.py": "",
        "tests/model/integer/test_other.py": "",
        "tests/model/integer/test_x.py": "",
    }
    write(tmp_path, texts)
    near, far = (f"tests/model/integer/test_{name}.py" for name in ("other", "x"))
    assert survey.tests_of("model/integer/other.py", 1) == [near, NEAR, QUICK, FAR, far]


def test_lines_of_a_changed_source_are_found_again(survey: Survey, tmp_path: Path) -> None:
    """Of a line that is new the one in front of it counts, and of a source that nobody kept each as it is."""
    before = "import a\n\nx = 1\ny = 2\n"
    (tmp_path / SOURCE).write_text("import a\nimport b\n\nx = 1\nz = 3\ny = 2\n")
    later = replace(survey, sources={SOURCE: before})
    assert [later._then(SOURCE, line) for line in (4, 5, 6)] == [3, 3, 4]
    assert later.tests_of(SOURCE, 4) == [NEAR, QUICK, FAR, BESIDE]
    assert later.tests_of(SOURCE, 7) == survey.tests_of(SOURCE, 4)
    assert survey._then(SOURCE, 5) == 5


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("tests/model/integer/test_rounding.py", 0),
        ("tests/model/integer/test_functions.py", 1),
        ("tests/model/test_rounding.py", 2),
        ("tests/hw/test_rounding.py", 2),
    ],
)
def test_distance(test: str, expected: int) -> None:
    assert distance(SOURCE, test) == expected


@pytest.mark.parametrize(
    ("seconds", "tests"), [(100, (NEAR, QUICK, FAR, BESIDE)), (10.2, (NEAR, QUICK, BESIDE)), (0, (NEAR,))]
)
def test_as_many_as_fit(survey: Survey, seconds: float, tests: tuple[str, ...]) -> None:
    part = part_of(Mutant(SOURCE, 3, 10, 11, "+", "arithmetic"), survey, seconds)
    assert list(part.tests) == list(tests)
    assert part.running == 4
    assert part.tests == {test: survey.seconds[test] for test in tests}
