"""An integer network as arrays and JSON, and back: what a file of it holds."""

import json
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.form import Form, FormError, parse_json, shown
from pointwise.model.graph import Graph, Op, Quantisation
from pointwise.model.graph.op import Numbers
from pointwise.model.graph.ops import OPS
from pointwise.model.graph.window import Window
from pointwise.model.integer.layernorm import NormConstants

from .stored import check_network, check_plain

FORMAT = 2
"""Raised when a field changes its meaning."""
SCALES = ("scale", "offset")
"""Fields of a ``Quantisation`` that are arrays where channels differ."""


def describe(network: Graph) -> tuple[dict[str, np.ndarray], str]:
    """An integer network as arrays by name, in the types of ``Op.ARRAYS``, and JSON of everything else.

    Raises:
        PointwiseError: a value does not fit its type.
    """
    arrays: dict[str, np.ndarray] = {}
    ops = []
    for op in network.ops:
        plain: dict[str, Any] = {"op": type(op).__name__}
        for field in fields(op):
            value = getattr(op, field.name)
            if field.name in op.ARRAYS:
                if value is not None:
                    name = f"{op.name}.{field.name}"
                    arrays[name] = _stored(name, value, op.ARRAYS[field.name])
            elif isinstance(value, Quantisation):
                plain[field.name] = _described_scale(op.name, value, arrays)
            elif field.type != Numbers:  # those are of the real form alone
                plain[field.name] = asdict(value) if isinstance(value, NormConstants | Window) else value
        ops.append(plain)
    top = {"name": network.name, "output": network.output, "info": network.info}
    # The names tell a reader of an array that has gone, where the operator could do without.
    whole = {"format": FORMAT, "network": top, "ops": ops, "arrays": sorted(arrays)}
    return arrays, json.dumps(whole, sort_keys=True)


def _described_scale(name: str, scale: Quantisation, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """What JSON says of a scale; where channels differ it goes into ``arrays``."""
    plain: dict[str, Any] = {"zero_point": scale.zero_point}
    for part in SCALES:
        value = getattr(scale, part)
        if np.ndim(value):
            arrays[f"{name}.{part}"] = np.ascontiguousarray(value, np.float64)
        else:
            plain[part] = float(value)
    return plain


def rebuild(description: str, arrays: dict[str, np.ndarray]) -> Graph:
    """The network that ``describe`` described.

    Raises:
        PointwiseError: the description is damaged, or arrays do not belong to it; the sentence lacks its
            subject.
    """
    try:
        return _build(parse_json(description), dict(arrays))
    except FormError as error:
        raise PointwiseError(str(error)) from error


class _Description(Form):
    """What the metadata hold; network and operators are looked at one by one, to be told by name."""

    format: int
    network: dict[str, Any]
    ops: list[dict[str, Any]]
    arrays: list[str]


def _build(description: Any, arrays: dict[str, np.ndarray]) -> Graph:
    if isinstance(description, dict) and description.get("format", FORMAT) != FORMAT:
        raise PointwiseError(f"is of format {description['format']}, but this version reads {FORMAT}")
    found = _Description.of(description, "the description")
    if missing := set(found.arrays) - set(arrays):
        raise PointwiseError(f"lacks {min(missing)}")
    check_plain(Graph, found.network, "network")
    ops = tuple(_op(index, plain, arrays) for index, plain in enumerate(found.ops))
    network = Graph(**found.network, ops=ops)
    if arrays:
        raise PointwiseError(f"holds {min(arrays)}, which belongs to no operator")
    check_network(network)
    return network


def _op(index: int, plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> Op:
    """One operator; takes its arrays out of ``arrays``."""
    values = dict(plain)
    kind, name = OPS.get(str(values.pop("op", None))), values.get("name")
    owner = name if isinstance(name, str) and name else f"ops[{index}]"
    if kind is None:
        raise PointwiseError(
            f"says {owner}.op {shown(plain.get('op'))}, but one of {', '.join(OPS)} was expected"
        )
    check_plain(kind, values, owner)
    scale = values.get("quantisation", {})
    varied = {part: _taken(f"{name}.{part}", np.float64, arrays) for part in SCALES if part not in scale}
    values["quantisation"] = Quantisation(**(scale | varied))
    values |= {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    if values.get("constants") is not None:
        values["constants"] = NormConstants(**values["constants"])
    if isinstance(values.get("window"), dict):
        values["window"] = Window(**{name: tuple(pair) for name, pair in values["window"].items()})
    for field, dtype in kind.ARRAYS.items():
        stored = f"{name}.{field}"
        values[field] = _taken(stored, dtype, arrays) if stored in arrays else None
    return kind(**values)


def _taken(name: str, dtype: type[np.number], arrays: dict[str, np.ndarray]) -> np.ndarray:
    """An array, taken out of ``arrays``, in the type in which it was stored."""
    array = arrays.pop(name, None)
    if array is None:
        raise PointwiseError(f"lacks {name}")
    if array.dtype != dtype:
        raise PointwiseError(f"holds {name} as {array.dtype}, but {np.dtype(dtype)} was expected")
    return array


def _stored(name: str, values: np.ndarray, dtype: type[np.number]) -> np.ndarray:
    values = np.asarray(values)
    stored = values.astype(dtype)
    if not np.array_equal(stored, values):
        raise PointwiseError(
            f"The values of {name} do not fit {np.dtype(dtype)}; quantise the checkpoint again before it is "
            "saved."
        )
    return np.ascontiguousarray(stored)
