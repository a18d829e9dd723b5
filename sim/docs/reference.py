"""The reference of ``import pointwise``, from signatures and docstrings."""

import inspect
import re

import pointwise as pw

SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Fields")
WIDTH = 100
"""Characters of a signature on one line."""


def reference() -> str:
    """A section for every function, then for every class that they take and give."""
    made = [(name, getattr(pw, name)) for name in pw.__all__]
    functions = [_function(name, one) for name, one in made if not inspect.isclass(one)]
    classes = [_section(name, inspect.getdoc(one) or "") for name, one in made if inspect.isclass(one)]
    return "\n\n".join(["## Functions", *functions, "## What they take and give", *classes])


def _function(name: str, function: object) -> str:
    """Signature and docstring of a function."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    parameters = [str(parameter).replace("'", "") for parameter in signature.parameters.values()]
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds:
        parameters.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    result = signature.return_annotation
    gives = "" if result is inspect.Signature.empty else f" -> {_name(result)}"
    line = f"pw.{name}({', '.join(parameters)}){gives}"
    if len(line) > WIDTH:
        line = "\n".join([f"pw.{name}(", *(f"    {parameter}," for parameter in parameters), f"){gives}"])
    return f"### {name}\n\n```python\n{_plain(line)}\n```\n\n{_body(inspect.getdoc(function) or '')}"


def _name(annotation: object) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _plain(text: str) -> str:
    """Without the modules in front of names, and without the defaults' addresses."""
    text = re.sub(r"\b(?:\w+\.)+(?=[A-Z]\w*)", "", text).replace('"', "")
    return re.sub(r"<function .*? at 0x[0-9a-f]+>", "…", text)


def _section(name: str, doc: str) -> str:
    return f"### {name}\n\n{_body(doc)}"


def _body(doc: str) -> str:
    """A docstring as Markdown: its text, then a paragraph for each of its sections."""
    parts = re.split(rf"^({'|'.join(SECTIONS)}):$", doc, flags=re.MULTILINE)
    text = [_paragraphs(parts[0])]
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        # A name, or several, begins a sentence and ends in a colon.
        named = re.sub(r"(^|(?<=[.;] ))(\w+(?:, \w+)*):", r"``\2``:", " ".join(body.split()))
        text.append(f"**{heading}.** {named}")
    return "\n\n".join(text).replace("``", "`")


def _paragraphs(text: str) -> str:
    """Paragraphs as they are; examples stay indented."""
    blocks = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join(block if block.startswith("    ") else " ".join(block.split()) for block in blocks)
