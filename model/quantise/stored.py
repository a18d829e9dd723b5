"""Whether what a file says is an integer network: names and types, each told by name where it is not.

A damaged network would else give wrong results, or a traceback far from its cause. The sentences lack their
subject, the file, which only the reader of the file knows. Whether the operators fit together is the graph's
own check.
"""

from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
from pydantic import Field, create_model

from pointwise.hw.contract.errors import PointwiseError, shown
from pointwise.hw.contract.form import Form
from pointwise.model.graph import Graph

MOST_NAME = 180
"""Bytes of a name; with a field and an ending behind it, the name of a file still fits 255."""
_FORMS: dict[Any, Any] = {
    str: str,
    str | None: str | None,
    bool: bool,
    int: Annotated[int, Field(ge=0)],
    float: float,
    float | np.ndarray: float | None,  # one number; where channels differ it is among the arrays
    tuple[str, ...]: list[str],
    tuple[int, int, int, int]: Annotated[
        list[Annotated[int, Field(ge=0)]], Field(min_length=4, max_length=4)
    ],
    tuple[int, int]: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)],
    dict[str, Any]: dict[str, Any],
}
"""What JSON gives for the types of fields that are plain values."""


SIGNED = ("zero_point", "pad")
"""Fields that are integers of a value, and so may be negative; all others count something."""


def check_plain(kind: type, values: Any, owner: str) -> None:
    """Check the plain values that go into a dataclass: all are there, of their types, and no others.

    Fields that are arrays, or tuples of other dataclasses, are left out.

    Args:
        kind: the dataclass. values: an object of JSON. owner: in front of a field's name.

    Raises:
        FormError: a value is missing, unknown or of another type.
    """
    _form(kind).of(values, owner)


@cache
def _form(kind: type) -> type[Form]:
    forms: dict[str, Any] = {}
    for field in fields(kind):
        inner = [one for one in get_args(field.type) if is_dataclass(one)]
        if field.name in SIGNED:
            form = int
        elif field.type in _FORMS:
            form = _FORMS[field.type]
        elif is_dataclass(field.type):
            form = _form(field.type)
        elif inner and {type(None), Any} & {*get_args(field.type)}:  # there may be none
            form = _form(inner[0]) | None
        else:
            continue
        needed = field.default is MISSING and field.default_factory is MISSING
        forms[field.name] = (form, ... if needed else None)
    return create_model(kind.__name__, __base__=Form, **forms)


def check_name(name: str) -> None:
    """Raise PointwiseError unless a name can be that of a file: exports are called by it."""
    printable = name.isprintable() and len(name.encode()) <= MOST_NAME
    if name in ("", "..") or not printable or Path(name).name != name:
        raise PointwiseError(
            f"has the name {shown(name)} in it, but one without a folder, of at most {MOST_NAME} bytes that "
            "can be printed, was expected"
        )


def check_network(network: Graph) -> None:
    """Check that every operator finds what it reads, and that all its arrays fit that.

    Raises:
        PointwiseError: a value or an array is missing or of another shape, or a name is no name.
    """
    for name in (network.name, *(op.name for op in network.ops)):
        check_name(name)
    try:
        network.check()
    except PointwiseError as error:
        raise PointwiseError(f"does not fit together: {error}") from error
