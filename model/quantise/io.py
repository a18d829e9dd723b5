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
        PointwiseError: description and arrays do not belong together; the sentence lacks its subject.
        KeyError, TypeError, ValueError, AttributeError: the description is damaged.
    """
    return _build(json.loads(description), dict(arrays))


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
            f"The integer network {path} cannot be read ({type(error).__name__}); quantise the checkpoint "
            "again."
        ) from error
    if description is None:
        raise PointwiseError(
            f"The file {path} holds no integer network; give one that was quantised, not a float checkpoint."
        )
    try:
        return rebuild(description, arrays)
    except PointwiseError as error:
        raise PointwiseError(f"The integer network {path} {error}; quantise the checkpoint again.") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PointwiseError(
            f"The integer network {path} is damaged ({type(error).__name__}: {error}); quantise the "
            "checkpoint again."
        ) from error


def _build(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> IntegerNetwork:
    if description["format"] != FORMAT:
        raise PointwiseError(f"is of format {description['format']}, but this version reads {FORMAT}")
    # Files that were written before the names were kept have none.
    if missing := set(description.get("arrays", arrays)) - set(arrays):
        raise PointwiseError(f"lacks {min(missing)}")
    top = description["network"]
    check_plain(IntegerNetwork, top)
    layers = tuple(_layer(plain, arrays) for plain in description["layers"])
    network = IntegerNetwork(**top, residual_init=_taken(INITIAL, np.int16, arrays), layers=layers)
    if arrays:
        raise PointwiseError(f"holds {min(arrays)}, which belongs to no layer")
    check_network(network)
    return network


def _layer(plain: dict[str, Any], arrays: dict[str, np.ndarray]) -> Layer:
    """One layer; takes its arrays out of ``arrays``."""
    check_plain(Layer, plain, f"{plain['name']}.")
    inputs, norm = plain["inputs"], plain["norm"]
    if not isinstance(inputs, list) or not inputs or not all(isinstance(name, str) for name in inputs):
        raise PointwiseError(f"says {plain['name']}.inputs {inputs!r}, but names of tensors were expected")
    if norm is not None:
        check_plain(NormConstants, norm, f"{plain['name']}.norm.")
        norm = NormConstants(**norm)
    values = {**plain, "inputs": tuple(inputs), "norm": norm}
    values["prologue"] = Prologue[plain["prologue"]]
    values["stationary"] = Stationary[plain["stationary"]]
    for name, dtype in DTYPES.items():
        stored = f"{plain['name']}.{name}"
        values[name] = _taken(stored, dtype, arrays) if stored in arrays else None
    return Layer(**values)


def _taken(name: str, dtype: type[np.number], arrays: dict[str, np.ndarray]) -> np.ndarray:
    """An array, taken out of ``arrays``, in the type in which it was stored."""
    array = arrays.pop(name)
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
