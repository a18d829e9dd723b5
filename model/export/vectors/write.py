"""Writing the folder: a file for each array, and the index, which comes last."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pointwise.hw.contract.files import write_file
from pointwise.model.export import hexadecimal
from pointwise.model.export.memory import Memory
from pointwise.model.graph import Graph

from .operations import Vectors, vectors_of

INDEX = "vectors.json"


def write_vectors(
    network: Graph, image: np.ndarray, folder: Path, progress: Callable[[Path], None] = lambda path: None
) -> list[Path]:
    """Write the vectors of an image.

    Args:
        image: the integers of the network's input, (tokens, channels). folder: made where it is missing.
        progress: told of each file when it is there.

    Returns:
        The files, in the order in which they were written.

    Raises:
        PointwiseError: the network is not sound, the core has no way to do one of its operators, or a file
            cannot be written.
    """
    paths: list[Path] = []

    def write(name: str, data: bytes) -> None:
        paths.append(folder / name)
        write_file(paths[-1], data)
        progress(paths[-1])

    entries: list[dict[str, Any]] = []
    for number, vectors in enumerate(vectors_of(network, image)):
        files: dict[str, Any] = {}
        for what, values in vectors.arrays.items():
            name = f"{number:04}_{_plain(vectors.name)}.{what}.hex"
            write(name, _hexadecimal(vectors, what, values))
            files[what] = {"file": name, "dtype": str(values.dtype), "shape": list(values.shape)}
        entries.append({"name": vectors.name, "files": files, **vectors.description})
    index = {"network": network.name, "output": network.output, "operations": entries}
    write(INDEX, (json.dumps(index, indent=1, ensure_ascii=False) + "\n").encode())
    return paths


def _hexadecimal(vectors: Vectors, what: str, values: np.ndarray) -> bytes:
    about = f"{what} of {vectors.name}"
    return hexadecimal.encode(Memory(what, about, values, 8 * values.itemsize))


def _plain(name: str) -> str:
    """A name as a part of a file's: what is no letter, digit, dot or dash becomes an underscore."""
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
