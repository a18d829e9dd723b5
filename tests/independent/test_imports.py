"""The second reading stays one: it shares no code with what it is compared with."""

import ast
import sys
from pathlib import Path

import pytest

REFERENCE = Path(__file__).with_name("reference")
PACKAGE = "tests.independent.reference"
ALLOWED = {"numpy", *sys.stdlib_module_names} - {"importlib", "runpy", "subprocess", "sys", "os", "pathlib"}


def imported(source: str) -> set[str]:
    """Names of all modules that a source text imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(f"{'.' * node.level}{node.module or ''}")
    return names


def foreign(names: set[str]) -> set[str]:
    return {n for n in names if n.split(".")[0] not in ALLOWED and not f"{n}.".startswith(f"{PACKAGE}.")}


@pytest.mark.parametrize("path", sorted(REFERENCE.rglob("*.py")), ids=lambda path: path.stem)
def test_it_imports_nothing_of_the_project(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not foreign(imported(source))
    assert not any(word in source for word in ("__import__", "exec(", "eval("))


def test_other_imports_are_seen() -> None:
    lines = (
        "import pointwise.hw.contract",
        "from pointwise.model import x",
        "from . import x",
        "from tests import x",
    )
    assert all(foreign(imported(line)) for line in lines)
    assert not foreign(imported("import zlib"))
