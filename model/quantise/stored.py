"""Whether what a file says is an integer network: names, types and shapes, each told by name where it is not.

A damaged network would else give wrong results, or a traceback far from its cause. The sentences lack their
subject, the file, which only the reader of the file knows.
"""

from dataclasses import MISSING, fields, is_dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import Field, create_model

from hw.contract.errors import PointwiseError
from hw.contract.form import Form
from hw.contract.isa import Prologue, Stationary
from hw.contract.legal import CHANNEL_SHIFTS, SHIFTS
from model.integer.network import IntegerNetwork, Layer

WEIGHT_BITS = (8, 4, 2)
TABLE = (256,)
"""Entries of a table: one for each int8 or uint8."""
RANGES = {"shift": SHIFTS, "channel_shift": CHANNEL_SHIFTS}
"""Least and largest value of what the integer model shifts by."""
_FORMS: dict[Any, Any] = {
    str: str,
    str | None: str | None,
    bool: bool,
    int: Annotated[int, Field(ge=0)],
    float: float,
    tuple[str, ...]: Annotated[list[str], Field(min_length=1)],
    dict[str, object]: dict[str, Any],
}
"""What JSON gives for the types of fields that are plain values."""

Shapes = dict[str, tuple[int, ...]]


def check_plain(kind: type, values: Any, owner: str) -> None:
    """Check the plain values that go into a dataclass: all are there, of their types, and no others.

    Fields that are arrays, or tuples of other dataclasses, are left out; members of enumerations go by name.

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
        if field.type in _FORMS:
            form = _FORMS[field.type]
        elif isinstance(field.type, type) and issubclass(field.type, IntEnum):
            form = Literal[tuple(member.name for member in field.type)]
        elif inner and type(None) in get_args(field.type):
            form = _form(inner[0]) | None
        else:
            continue
        needed = field.default is MISSING and field.default_factory is MISSING
        forms[field.name] = (form, ... if needed else None)
    return create_model(kind.__name__, __base__=Form, **forms)


def check_name(name: str) -> None:
    """Raise PointwiseError unless a name can be that of a file: exports are called by it."""
    if name in ("", "..") or "\0" in name or Path(name).name != name:
        raise PointwiseError(f"has the name {name!r} in it, but one without a folder was expected")


def check_network(network: IntegerNetwork) -> None:
    """Check that every layer finds what it reads, and that all its arrays fit that.

    Raises:
        PointwiseError: a tensor or an array is missing or of another shape, or a name is no name.
    """
    shapes: Shapes = {
        network.input_name: (network.tokens, network.input_channels),
        network.residual_name: network.residual_init.shape,
    }
    if network.residual_init.ndim != 2 or len(network.residual_init) != network.tokens:
        raise PointwiseError(
            f"holds residual_init of the shape {network.residual_init.shape}, but {network.tokens} rows of "
            "channels were expected"
        )
    check_name(network.name)
    names: set[str] = set()
    normed: set[str] = set()
    maxima: set[str] = set()
    for layer in network.layers:
        check_name(layer.name)
        if layer.name in names:
            raise PointwiseError(f"has two layers {layer.name}")
        names.add(layer.name)
        for prologue, given in ((Prologue.NORMALISE, normed), (Prologue.EXPONENTIAL, maxima)):
            if layer.prologue == prologue and not given.issuperset(layer.inputs):
                raise PointwiseError(
                    f"has no layer that prepares {layer.inputs[0]} for the {prologue.name} of {layer.name}"
                )
        shapes[layer.output] = _result(layer, shapes)
        for given, here in ((normed, layer.norm is not None), (maxima, layer.row_max)):
            # Written without them, a tensor has only those of what it held before.
            (given.add if here else given.discard)(layer.output)
    if not names or network.output not in shapes:
        raise PointwiseError(f"has no layer that gives {network.output}")


def _result(layer: Layer, shapes: Shapes) -> tuple[int, ...]:
    """The shape of what a layer gives, once its arrays are known to fit what it reads."""
    for field in _needed(layer):
        if getattr(layer, field) is None:
            raise PointwiseError(f"lacks {layer.name}.{field}")
    read = [_found(layer, name, shapes) for name in layer.inputs]
    k, rows = sum(columns for _, columns in read), {tokens for tokens, _ in read}
    last = layer.first_token + max(layer.count, 1)
    if len(rows) != 1 or last > max(rows):
        raise PointwiseError(f"streams token {last} of {layer.name}, but its inputs have {sorted(rows)}")
    if layer.stationary == Stationary.STREAM:
        n = len(layer.weight) if layer.weight.ndim else 0
    else:
        tokens, channels = _found(layer, layer.stationary_input, shapes)
        n, needed = (tokens, channels) if layer.stationary == Stationary.KEYS else (channels, tokens)
        if needed != k:
            raise PointwiseError(
                f"multiplies {k} channels with {layer.stationary_input} in {layer.name}, but {needed} were "
                "expected"
            )
    _check_arrays(layer, n, k)
    tokens = layer.count or max(rows) - layer.first_token
    if not layer.add:
        return tokens, n
    whole = _found(layer, layer.output, shapes)
    if whole[1] != n or layer.output_token + tokens > whole[0]:
        raise PointwiseError(
            f"adds {tokens}×{n} values from row {layer.output_token} of {layer.output} on in {layer.name}, "
            f"which has {whole[0]}×{whole[1]}"
        )
    return whole


def _found(layer: Layer, name: str | None, shapes: Shapes) -> tuple[int, ...]:
    if name not in shapes:
        raise PointwiseError(f"has no tensor {name}, which {layer.name} reads")
    return shapes[name]


def _needed(layer: Layer) -> list[str]:
    """The arrays that a layer of its kind cannot do without."""
    conditions = {
        "weight": layer.stationary == Stationary.STREAM,
        "channel_shift": layer.prologue == Prologue.NORMALISE,
        "exp_table": layer.prologue == Prologue.EXPONENTIAL,
        "real_offset": layer.real_scale is not None,
    }
    return ["bias", "mult", "shift", *(field for field, needed in conditions.items() if needed)]


def _check_arrays(layer: Layer, n: int, k: int) -> None:
    """Check the arrays that a layer has, with ``n`` output and ``k`` input channels."""
    if layer.weight_bits not in WEIGHT_BITS:
        raise PointwiseError(f"says {layer.name}.weight_bits {layer.weight_bits}, but 8, 4 or 2 was expected")
    expected = {"weight": (n, k), "channel_shift": (k,), "exp_table": TABLE, "table": TABLE}
    expected |= dict.fromkeys(("bias", "mult", "shift", "real_scale", "real_offset"), (n,))
    for field, shape in expected.items():
        values: np.ndarray | None = getattr(layer, field)
        name = f"{layer.name}.{field}"
        if values is None:
            continue
        if values.shape != shape:
            raise PointwiseError(f"holds {name} of the shape {values.shape}, but {shape} was expected")
        low, high = RANGES.get(field, (None, None))
        if low is not None and values.size and not low <= values.min() <= values.max() <= high:
            raise PointwiseError(f"holds values of {name} beyond the {low} to {high} that are possible")
