"""Files of JSON that somebody else may have written: read up to a bound, and checked against a form.

A form is a ``Form``, pydantic's model made strict: nothing is converted, nothing is unknown, no number is
infinite. What does not fit is told by its place in the file, as the end of a sentence whose beginning, the
file, and remedy only the reader knows.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import SHOWN, shown

MOST_BYTES = 64 << 20
"""Of a file that is read whole; the largest that we write, the manifest of a traced DeiT-Base, has a tenth.
Python's objects take up to some 30 times the bytes of their text."""
_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number with fewer digits",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "none_required": "null",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "{expected}",
    "union_tag_invalid": "{expected_tags}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "string_too_short": "a text that is not empty",
    "string_too_long": "a text of at most {max_length} characters",
}
"""What was expected, by pydantic's name of the error."""

PIECE = 1 << 20
"""Bytes that are read at a time."""

Kind = TypeVar("Kind", bound="Form")


class FormError(ValueError):
    """What is wrong with a file, without its subject: ``says baud 0, but at least 1 was expected``."""


class Form(BaseModel):
    """What a file holds; the fields of a subclass are what must be there, and nothing else may."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def of(cls: type[Kind], values: Any, owner: str = "") -> Kind:
        """The form of values as JSON gives them; raises FormError for the first that does not fit.

        Args:
            owner: in front of the name of a place, where the values are a part of something.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise FormError(_told(error, values, owner)) from error


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a file, which may be a device or a pipe too.

    Raises:
        OSError: it cannot be read. FormError: it has more than ``most`` bytes.
    """
    data = bytearray()
    with Path(path).open("rb") as file:
        # Piece by piece: a single read would ask for the memory of the largest.
        while len(data) <= most and (piece := file.read(min(PIECE, most + 1 - len(data)))):
            data += piece
    if len(data) > most:
        raise FormError(f"has more than the {most:,} bytes that are read")
    return bytes(data)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        OSError: it cannot be read. FormError: it is too large, no JSON, or holds something else.
    """
    values = parse_json(read_bytes(path))
    if not isinstance(values, dict):
        raise FormError(f"holds {shown(values)}, but an object was expected")
    return values


def parse_json(text: bytes | str) -> Any:
    """The value of a JSON text; raises FormError where it is none, or nested too deep to be meant."""
    try:
        return json.loads(text)
    except RecursionError:
        raise FormError("is nested too deep") from None
    except ValueError as error:
        raise FormError(f"is no JSON ({error})") from error


def expectation(error: Mapping[str, Any]) -> str | None:
    """What was expected, of one of the ``errors`` of a ``ValidationError``; None for a rare one."""
    expected = _EXPECTED.get(error["type"])
    return None if expected is None else expected.format(**error.get("ctx", {}))


def _told(error: ValidationError, values: Any, owner: str) -> str:
    first: Any = error.errors(include_url=False)[0]
    place = _place(first["loc"], values, first["type"] == "missing")
    where = f"{owner}.{place}" if owner and place else owner or place
    if first["type"] == "missing":
        return f"lacks {where}"
    if first["type"] == "union_tag_not_found":
        return f"lacks {where}.{first['ctx']['discriminator'].strip(chr(39))}"
    if first["type"] == "extra_forbidden":
        return f"has {where}, which is not known"
    expected = expectation(first)
    if expected is None:
        words = first["msg"]
        return f"says {where} {shown(first['input'])}: {words}" if where else words
    return f"{f'says {where}' if where else 'holds'} {shown(first['input'])}, but {expected} was expected"


def _place(place: tuple[int | str, ...], values: Any, missing: bool) -> str:
    """Where in a file something is, such as ``output.tensors[0].blocks``.

    Pydantic names the kind of a value that may be of several between the steps; such a name leads nowhere,
    but so does that of what is missing.
    """
    text = ""
    for index, step in enumerate(place):
        last = missing and index == len(place) - 1
        if isinstance(step, int):
            if isinstance(values, Sequence) and step < len(values):
                values = values[step]
            text += f"[{step}]"
        elif last or (isinstance(values, Mapping) and step in values):
            values = values.get(step) if isinstance(values, Mapping) else None
            name = step if step.isprintable() and len(step) <= SHOWN else shown(step)
            text += f".{name}" if text else name
    return text
