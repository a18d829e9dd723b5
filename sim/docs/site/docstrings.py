"""An extension of griffe, which reads sources for mkdocstrings: the docstrings' sections, an entry a line.

The docstrings let short entries share a line, ``inputs: (B, …). labels: (B,) or None.``, and one description
several names, ``core, parameters: see core``; griffe's parser wants a line for each name.
"""

import re
from typing import Any

import griffe

SECTION = re.compile(r"^(Args|Attributes):\n((?:[ ]+.*\n?|\n(?=[ ]))+)", re.MULTILINE)
ENTRY = re.compile(r"(?:^|(?<=[.;] ))(\w+(?:, \w+)*): ")


class OneEntryALine(griffe.Extension):
    """Changes every docstring when its object has been read."""

    def on_function(self, *, func: griffe.Function, **_: Any) -> None:
        stars = {one.name.lstrip("*"): one.name for one in func.parameters}
        if func.docstring:
            func.docstring.value = separated(func.docstring.value, stars)

    def on_class(self, *, cls: griffe.Class, **_: Any) -> None:
        if cls.docstring:
            cls.docstring.value = separated(cls.docstring.value, {})


def separated(text: str, written: dict[str, str]) -> str:
    """A docstring, its entries on lines of their own.

    Args:
        written: names as the signature has them, such as ``**parameters``, by name.
    """

    def section(match: re.Match[str]) -> str:
        _, *found = ENTRY.split(" ".join(match[2].split()))
        lines = [
            f"    {written.get(name, name)}: {about.strip()}"
            for names, about in zip(found[::2], found[1::2], strict=True)
            for name in names.split(", ")
        ]
        return "\n".join([f"{match[1]}:", *lines, ""])

    return SECTION.sub(section, text)
