"""The help of ``pointwise``: no word is cut, and none stands alone in a last line, at any width."""

import re
import shutil
import textwrap
from collections.abc import Iterable
from typing import Any

import typer.core

MOST, LEAST = 100, 40
"""Columns of the widest lines, for those are easy to read, and of the narrowest."""
NAMES = 0.42
"""Share of a line that the names of options may take; the text of a longer one begins in the next line."""
LAST = 2
"""Words that the last line of several has at least."""


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` characters, of which the last one has ``LAST`` words if the text has more.

    A word that is longer than a line is not cut; it has a line of its own.
    """
    text = " ".join(text.split())
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    for narrower in range(width - 1, width // 2, -1):
        if len(lines) < 2 or len(lines[-1].split()) >= LAST:
            break
        other = textwrap.wrap(text, narrower, break_long_words=False, break_on_hyphens=False)
        if len(other) > len(lines):
            break
        lines = other
    if len(lines) > 1 and len(lines[-1].split()) < LAST and len(lines[-2].split()) > LAST:
        first, _, word = lines[-2].rpartition(" ")
        lines[-2:] = [first, f"{word} {lines[-1]}"]
    return lines


def table(rows: Iterable[tuple[str, str]], width: int) -> list[str]:
    """Two columns: a name, and what it means."""
    rows = list(rows)
    most = int(width * NAMES)
    names = max((len(name) for name, _ in rows if len(name) <= most), default=most)
    lines = []
    for name, text in rows:
        meaning = wrapped(text, width - names - 4)
        if len(name) > names:
            lines.append(f"  {name}")
        else:
            lines.append(f"  {name:{names}}  {meaning.pop(0) if meaning else ''}".rstrip())
        lines += [" " * (names + 4) + line for line in meaning]
    return lines


def page(command: Any, context: Any, width: int) -> str:
    """The help of a command or of the program."""
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [*wrapped(f"Usage: {usage}", width), ""]
    for paragraph in (command.help or "").split("\n\n"):
        lines += [*wrapped(paragraph.replace("``", ""), width), ""]
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            usual = "Options" if parameter.param_type_name == "option" else "Arguments"
            heading = getattr(parameter, "rich_help_panel", None) or usual
            sections.setdefault(heading, []).append(_plainly(*record))
    for name, inner in getattr(command, "commands", {}).items():
        sections.setdefault("Commands", []).append((name, inner.get_short_help_str(limit=1000)))
    for heading in sorted(sections, key=lambda heading: (heading != "Arguments", heading == "Commands")):
        lines += [*wrapped(f"{heading}:", width), *table(sections[heading], width), ""]
    return "\n".join(lines)


def _plainly(name: str, text: str) -> tuple[str, str]:
    """An entry without typer's notation for ranges, such as <int range> and [x>=1]."""
    text = re.sub(r"\bx>=(-?\d+)", r"at least \1", text)
    return name.replace(" range>", ">"), re.sub(r"\b(-?\d+)<=x<=(-?\d+)", r"\1 to \2", text)


def columns() -> int:
    """Characters of a line of the terminal, or of ``COLUMNS``."""
    return max(LEAST, min(MOST, shutil.get_terminal_size().columns))


class Command(typer.core.TyperCommand):
    """A subcommand with our help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        print(page(self, ctx, columns()))


class Group(typer.core.TyperGroup):
    """The program with our help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        print(page(self, ctx, columns()))
