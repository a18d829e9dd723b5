"""Tables of what is legal, and of what is promised."""

from collections.abc import Sequence

from pointwise.hw.contract.rules import AnyRule
from pointwise.hw.contract.sound import PROMISES

from .markdown import markdown


def rules(table: Sequence[AnyRule]) -> str:
    """The rules of a header or an instruction, with their error codes; reserved fields are put together."""
    rows, reserved = [], []
    for rule in table:
        row = (rule.subject, rule.legal(), f"``{rule.error.name}``")
        (reserved if rule.fields[0].startswith("reserved") else rows).append(row)
    rows += {("reserved", *row[1:]) for row in reserved}
    return markdown(("field", "legal", "otherwise"), rows)


def promises() -> str:
    """What no core checks."""
    return markdown(("what a program promises", "checked by"), PROMISES)
