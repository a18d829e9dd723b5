"""The tables of ``manifest.json`` and its JSON schema."""

import json
from collections.abc import Mapping
from typing import Any

from pointwise.model.compiler.manifest_form import schema

from .markdown import markdown

_KINDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}

NAMES = (
    *("Manifest", "Image", "Input", "Block", "Output", "OutputTensor", "Memories", "Memory"),
    *("Region", "Tensor", "ConvLine", "DmaLine", "EndLine"),
)
"""Kinds of objects that have a table of their own; those of core and instructions are elsewhere."""


def table(name: str) -> str:
    """The fields of one kind of object."""
    whole = schema()
    form = whole if name == "Manifest" else whole["$defs"][name]
    needed = form.get("required", [])
    rows = (
        (f"``{name}``", _taken(entry) + ("" if name in needed else ", may be missing"), entry["description"])
        for name, entry in form["properties"].items()
    )
    return markdown(("field", "what", "meaning"), rows)


def schema_text() -> str:
    """The JSON schema as a file."""
    return json.dumps(schema(), indent=1) + "\n"


def _taken(entry: Mapping[str, Any]) -> str:
    """In a few words, what a field takes."""
    if "$ref" in entry:
        return f"object ``{entry['$ref'].rpartition('/')[2]}``"
    if "const" in entry:
        return f"``{json.dumps(entry['const'])}``"
    if "enum" in entry:
        return ", ".join(f"``{json.dumps(word)}``" for word in entry["enum"])
    if "anyOf" in entry:
        return " or ".join(_taken(one) for one in entry["anyOf"] if one.get("type") != "null")
    if "oneOf" in entry:
        return " or ".join(_taken(one) for one in entry["oneOf"])
    if entry["type"] == "array":
        count = "two of " if entry.get("maxItems") == 2 else "list of "
        return count + _taken(entry["items"])
    if entry["type"] == "object":
        return "object"
    words = _KINDS[entry["type"]]
    if "minimum" in entry:
        low = entry["minimum"]
        above = entry.get("exclusiveMaximum")
        words += f" of at least {low}" if above is None else f", {low} to {_power(above)}"
    return words


def _power(above: int) -> str:
    """The number below a power of two, as a person would write it."""
    bits = above.bit_length() - 1
    return str(above - 1) if bits <= 10 else f"2^{bits} − 1"
