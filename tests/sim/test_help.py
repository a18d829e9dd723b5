"""Help: fits every width, with whole words and none alone in a last line."""

import re
from pathlib import Path

import pytest

from pointwise.sim.cli import main
from pointwise.sim.cli.help import table, wrapped

COMMANDS = ["", *re.findall(r'^    "(\w+)": "', Path("sim/cli/entry.py").read_text(), re.MULTILINE)]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_help_fits(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for command in COMMANDS:
        if command and not Path(f"sim/cli/{command}.py").exists():
            continue
        assert main([*command.split(), "--help"]) == 0
        text = capsys.readouterr().out
        lines = text.splitlines()
        assert max(map(len, lines)) <= width, command
        assert "…" not in text.replace("deit_base, …", ""), "a word is cut"
        for before, line, after in zip(lines, lines[1:], [*lines[2:], ""], strict=False):
            # The last line of several that belong together: the next is no continuation of it.
            indent = len(line) - len(line.lstrip())
            continued = before.strip() and len(before) - len(before.lstrip()) <= indent and indent > 2
            ends = not after.strip() or len(after) - len(after.lstrip()) < indent
            if continued and ends and not line.lstrip().startswith("-"):
                assert len(line.split()) > 1, f"{command}: {line!r} stands alone"


def test_lines_are_whole_and_the_last_is_not_one_word() -> None:
    text = "Say which tools are there, which are missing and what to do about it."
    for width in range(20, 80):
        lines = wrapped(text, width)
        assert " ".join(lines) == text and max(map(len, lines)) <= width
        assert len(lines) == 1 or len(lines[-1].split()) > 1
    assert wrapped("a_word_that_is_longer_than_the_line", 10) == ["a_word_that_is_longer_than_the_line"]
    assert wrapped("", 10) == []


def test_a_long_name_has_a_line_of_its_own() -> None:
    assert table([("-a", "one two"), ("--a-very-long-name", "three"), ("-b", "")], 20) == [
        "  -a  one two",
        "  --a-very-long-name",
        "      three",
        "  -b",
    ]
