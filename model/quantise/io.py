"""An integer network as one file: safetensors for the integers, JSON in its metadata for everything else."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from hw.contract.errors import PointwiseError
from hw.contract.files import replace_file
from hw.contract.form import Form, FormError, parse_json
from hw.contract.isa import Prologue, Stationary
from model.integer.layernorm import NormConstants
from model.integer.network import IntegerNetwork, Layer

from .stored import check_network, check_plain

FORMAT = 1
"""Raised when a field changes its meaning."""
METADATA_KEY = "pointwise_integer_network"
SUFFIX = ".safetensors"
INITIAL = "residual_init"
DTYPES = {
    "weight": np.int8,
    "bias": np.int32,
    "mult": np.uint16,
    "shift": np.uint8,
    "channel_shift": np.uint8,
    "exp_table": np.uint8,
    # int8 or uint8 values, as the layer says.
    "table": np.int16,
    "real_scale": np.float64,
    "real_offset": np.float64,
}
"""Arrays of a layer and how they are stored."""


def save_network(path: str | Path, network: IntegerNetwork) -> None:
    """Write an integer network; equal networks give equal files, and no half-written file is ever seen.

    Args:
        path: ends in ``.safetensors``; its folder must exist.

    Raises:
        PointwiseError: another ending, a value that does not fit its type, or a file that cannot be written.
    """
    path = check_path(path)
    arrays, description = describe(network)
    data = safetensors.numpy.save(arrays, {METADATA_KEY: description})
    try:
        replace_file(path, data)
    except OSError as error:
        raise PointwiseError(
            f"The integer network {path} cannot be written ({error.strerror}); choose a folder that exists "
            "and is writable."
        ) from error


def describe(network: IntegerNetwork) -> tuple[dict[str, np.ndarray], str]:
    """An integer network as arrays by name, in the types of ``DTYPES``, and JSON of everything else.

    Raises:
        PointwiseError: a value does not fit its type.
    """
    arrays = {INITIAL: _stored(INITIAL, network.residual_init, np.int16)}
    layers = []
    for layer in network.layers:
        plain: dict[str, Any] = {}
        for field in fields(Layer):
            value = getattr(layer, field.name)
            if field.name in DTYPES:
                if value is not None:
                    name = f"{layer.name}.{field.name}"
                    arrays[name] = _stored(name, value, DTYPES[field.name])
            elif isinstance(value, NormConstants):
                plain[field.name] = asdict(value)
            elif isinstance(value, Prologue | Stationary):
                plain[field.name] = value.name
            else:
                plain[field.name] = value
        layers.append(plain)
    top = {
        field.name: getattr(network, field.name)
        for field in fields(IntegerNetwork)
        if field.name not in ("layers", INITIAL)
    }
    # The names tell a reader of an array that has gone, where the layer could do without.
    whole = {"format": FORMAT, "network": top, "layers": layers, "arrays": sorted(arrays)}
    return arrays, json.dumps(whole, sort_keys=True)


def rebuild(description: str, arrays: dict[str, np.ndarray]) -> IntegerNetwork:
    """The network that ``describe`` described.

    Raises:
        PointwiseError: the description is damaged, or arrays do not belong to it; the sentence lacks its
            subject.
    """
    try:
        return _build(parse_json(description), dict(arrays))
    except FormError as error:
        raise PointwiseError(str(error)) from error


def load_network(path: str | Path) -> IntegerNetwork:
    """Read what ``save_network`` wrote.

    Raises:
        PointwiseError: the file is missing, damaged, of another kind or of another version.
    """
    path = check_path(path)
    if not path.is_file():
        raise PointwiseError(f"There is no integer network {path}; check the path, or quantise a checkpoint.")
    try:
        with safetensors.safe_open(path, framework="np") as file:
            description = (file.metadata() or {}).get(METADATA_KEY)
            # The handle gives no iterator, only keys().
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except Exception as error:
        # A damaged file makes the library raise almost anything.
        raise PointwiseError(
            f"The integer network {path} cannot be read as a file of tensors, so it is damaged or something "
            "else; quantise the checkpoint again."
        ) from error
    if description is None:
        raise PointwiseError(
            f"The file {path} holds no integer network; give one that was quantised, not a float checkpoint."
        )
    try:
        return rebuild(description, arrays)
    except PointwiseError as error:
        raise PointwiseError(f"The integer network {path} {error}; quantise the checkpoint again.") from error


class _Description(Form):
    """What the metadata hold; network and layers are looked at one by one, so that they are told by name."""

    format: int
    network: dict[str, Any]
    layers: list[dict[str, Any]]
    # Files that were written before the names were kept have none.
    arrays: list[str] | None = None


def _build(description: Any, arrays: dict[str, np.ndarray]) -> IntegerNetwork:
    found = _Description.of(description, "the description")
    if found.format != FORMAT:
        raise PointwiseError(f"is of format {found.format}, but this version reads {FORMAT}")
    if missing := set(arrays if found.arrays is None else found.arrays) - set(arrays):
        raise PointwiseError(f"lacks {min(missing)}")
    check_plain(IntegerNetwork, found.network, "network")
    layers = tuple(_layer(index, plain, arrays) for index, plain in enumerate(found.layers))
    network = IntegerNetwork(**found.network, residual_init=_taken(INITIAL, np.int16, arrays), layers=layers)
    if arrays:
        raise PointwiseError(f"holds {min(arrays)}, which belongs to no layer")
    check_network(network)
    return network


def _layer(index: int, plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> Layer:
    """One layer; takes its arrays out of ``arrays``."""
    name = plain.get("name")
    check_plain(Layer, plain, name if isinstance(name, str) and name else f"layers[{index}]")
    values = {**plain, "inputs": tuple(plain["inputs"])}
    for kind in (Prologue, Stationary):
        field = kind.__name__.lower()
        if field in plain:
            values[field] = kind[plain[field]]
    if plain.get("norm") is not None:
        values["norm"] = NormConstants(**plain["norm"])
    for field, dtype in DTYPES.items():
        stored = f"{name}.{field}"
        values[field] = _taken(stored, dtype, arrays) if stored in arrays else None
    return Layer(**values)


def _taken(name: str, dtype: type[np.number], arrays: dict[str, np.ndarray]) -> np.ndarray:
    """An array, taken out of ``arrays``, in the type in which it was stored."""
    array = arrays.pop(name, None)
    if array is None:
        raise PointwiseError(f"lacks {name}")
    if array.dtype != dtype:
        raise PointwiseError(f"holds {name} as {array.dtype}, but {np.dtype(dtype)} was expected")
    return array


def check_path(path: str | Path) -> Path:
    """Return a path that can be of an integer network; raises PointwiseError for another ending."""
    path = Path(path)
    if path.suffix != SUFFIX:
        raise PointwiseError(
            f"The integer network {path} ends in {path.suffix or 'nothing'}, but {SUFFIX} was expected; "
            "rename it."
        )
    return path


def _stored(name: str, values: np.ndarray, dtype: type[np.integer]) -> np.ndarray:
    values = np.asarray(values)
    stored = values.astype(dtype)
    if not np.array_equal(stored, values):
        raise PointwiseError(
            f"The values of {name} do not fit {np.dtype(dtype)}; quantise the checkpoint again before it is "
            "saved."
        )
    return np.ascontiguousarray(stored)
