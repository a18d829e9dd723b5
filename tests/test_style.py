"""The sources pass the linter and the type checker, as in `make lint`, and their functions are short."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.check_types import check

ROOT = Path(__file__).parents[1]
MOST_LINES = 80
"""Of a function, its signature and docstring not counted."""
STATES = "the states of one machine, which share its registers"
LONGER: dict[str, str] = {
    "hw/bus/bursts.py elaborate": STATES,
    "hw/bus/reader.py elaborate": STATES,
    "hw/bus/writer.py elaborate": STATES,
    "hw/control/checker.py elaborate": STATES,
    "hw/control/program.py elaborate": STATES,
    "hw/control/run.py elaborate": STATES,
    "hw/engine/loader.py elaborate": STATES,
    "hw/engine/streamer.py elaborate": STATES,
    "hw/engine/tile_sequencer.py elaborate": STATES,
    "hw/memory/dma.py elaborate": STATES,
}
"""Functions that may be longer, and why."""


def test_linter_is_content() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(importlib.util.find_spec("basedpyright") is None, reason="basedpyright is not installed")
@pytest.mark.slow
def test_type_checker_is_content() -> None:
    status, text = check()
    assert status == 0, text


def test_functions_are_short() -> None:
    """The list of longer ones holds none that is short by now."""
    sources = (path for top in ("hw", "model", "sim", "tests") for path in (ROOT / top).rglob("*.py"))
    long = {f"{path.relative_to(ROOT)} {name}" for path in sources for name in too_long(path.read_text())}
    assert long == LONGER.keys()


def test_long_functions_are_found() -> None:
    lines = ["def f():", '    """Say what."""', *["    g()"] * (MOST_LINES + 1)]
    assert list(too_long("\n".join(lines))) == ["f"]
    assert not list(too_long("\n".join(lines[:-1])))


def too_long(source: str) -> Iterator[str]:
    """The names of the functions that have too many lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            told = ast.get_docstring(node) is not None and len(node.body) > 1
            first = node.body[1 if told else 0]
            if (node.end_lineno or 0) - first.lineno >= MOST_LINES:
                yield node.name
