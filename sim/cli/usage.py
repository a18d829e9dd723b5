"""What to tell a person about a command line that cannot be understood."""

from typing import Any

import typer

from pointwise.hw.contract.errors import shown

RENAMED: dict[tuple[str, str], str] = {
    ("sim", "--files"): "--images",
    ("report", "--files"): "--images",
    ("evaluate", "--limit"): "--count",
    ("accuracy", "--images"): "--count",
    ("operators", "--images"): "--count",
    ("fuzz", "--count"): "--cases",
    ("bitstream", "--jobs"): "--workers",
    ("board", "--image"): "--compiled",
}
"""What options were called before a word had one meaning in all commands, and what they are called now."""

UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""The base of all of them, which typer does not export."""


def sentence_of_usage(error: Any) -> str:
    """One sentence about a wrong command line: what is wrong, what was expected, where to read more."""
    command = error.ctx.command_path if error.ctx is not None else "pointwise"
    return f"{_problem(error)}; {command} --help lists what there is"


def _problem(error: Any) -> str:
    command = error.ctx.info_name if error.ctx is not None else ""
    old = getattr(error, "option_name", "")
    if new := RENAMED.get((command, old)):
        return f"{old} is called {new} now"
    parameter = getattr(error, "param", None)
    if parameter is not None:
        name = max(parameter.opts, key=len)
        name = name if name.startswith("-") else name.upper()
        if type(error).__name__ == "MissingParameter":
            return f"{name} is missing"
        if told := _expected(name, error.__cause__):
            return told
    text = error.format_message()
    return text[:1].lower() + text[1:].rstrip(".")


def _expected(name: str, cause: Any) -> str | None:
    """What a value is and what was expected, where typer had pydantic look at it."""
    if not hasattr(cause, "errors"):
        return None
    from pointwise.hw.contract.form import expectation  # only after an error, as pydantic takes its time

    first = cause.errors(include_url=False)[0]
    expected = expectation(first)
    if expected is None:
        return f"{name}: {first['msg'].removeprefix('Value error, ').rstrip('.')}"
    return f"{name} is {shown(first['input'])}, but {expected} was expected"
