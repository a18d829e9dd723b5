"""Damage of safetensors files that keeps them, or part of them, sound."""

import json
import struct
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import safetensors.numpy

from . import mutate
from .kind import Damage


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file."""
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def _joined(header: Any, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def in_header(name: str) -> Damage:
    """Damage of what a safetensors file says of its tensors: names, types, shapes, places."""

    def damage(random: Random, folder: Path) -> None:
        path = folder / name
        header, data = _split(path.read_bytes())
        path.write_bytes(_joined(mutate.structure(random, header), data))

    return damage


def in_metadata(name: str) -> Damage:
    """Damage of the JSON in the metadata of a safetensors file."""

    def damage(random: Random, folder: Path) -> None:
        path = folder / name
        header, data = _split(path.read_bytes())
        key = random.choice(list(header["__metadata__"]))
        header["__metadata__"][key] = json.dumps(
            mutate.structure(random, json.loads(header["__metadata__"][key]))
        )
        path.write_bytes(_joined(header, data))

    return damage


def renamed_everywhere(name: str) -> Damage:
    """A name that is a path, wherever a tensor or layer of a safetensors file is named."""

    def damage(random: Random, folder: Path) -> None:
        path = folder / name
        header, data = _split(path.read_bytes())
        old = random.choice([key for key in header if key != "__metadata__"])
        if random.random() < 0.7:
            old = old.rpartition(".")[0] or old
        new = json.dumps(random.choice(mutate.NAMES))[1:-1]
        text = json.dumps(header).replace(old, new)
        path.write_bytes(_joined(json.loads(text), data))

    return damage


def in_arrays(name: str) -> Damage:
    """Other values, types or shapes of the tensors of a safetensors file, which is sound in itself."""

    def damage(random: Random, folder: Path) -> None:
        path = folder / name
        header, _ = _split(path.read_bytes())
        arrays = safetensors.numpy.load_file(path)
        key = random.choice(list(arrays))
        arrays[key] = _other_array(random, arrays[key])
        safetensors.numpy.save_file(arrays, path, header.get("__metadata__"))

    return damage


def _other_array(random: Random, array: np.ndarray) -> np.ndarray:
    kind = random.randrange(6)
    if kind == 0:
        return array.astype(random.choice((np.int8, np.uint8, np.int64, np.float16, np.float64, np.bool_)))
    if kind == 1:
        return array[..., :-1].copy() if array.ndim else np.zeros((2, 2), array.dtype)
    if kind == 2:
        return np.zeros(random.choice(((), (0,), (0, 2**40), (1,) * 9, (2**20, 0))), array.dtype)
    limits = np.iinfo(array.dtype) if array.dtype.kind in "iu" else np.finfo(array.dtype)
    extreme = random.choice((limits.min, limits.max, 0, 1))
    if array.dtype.kind == "f":
        extreme = random.choice((np.nan, np.inf, extreme))
    if kind == 3:
        return np.full_like(array, extreme)
    changed = array.copy().reshape(-1)
    changed[: random.randrange(len(changed) + 1) or 1] = extreme
    return changed.reshape(array.shape) if kind == 4 else changed.reshape(array.shape).T.copy()
