"""What an executor is given: a job, its parts, and names that tell by content what both depend on."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hw", "model", "sim")


def no_files(part: object) -> tuple[Path, ...]:
    """Parts that read no files."""
    return ()


def same_command(part: object) -> str:
    """Parts that are repeated by the command that they come from."""
    return "the same command, which goes on where it was"


@dataclass(frozen=True)
class Job:
    """Work of independent parts.

    Attributes:
        name: of the kind of work, a word; the dashboard of a cluster groups by it.
        make: makes the function of a part, once in each process. It must be picklable, as parts and results
            must, and so must the result depend on nothing but the part and what ``digest`` stands for.
        digest: of all that the parts have in common: weights, recipe, core (``digest_of``).
        files: files and folders that ``make`` opens, by ``here().located``.
        part_files: files that a part reads, by ``here().located``.
        programs: whether a part mostly waits for a program of its own, so that a thread does for it here.
        limit: seconds after which a part is taken for hung on a cluster, and done again elsewhere.
        repeat: the command that repeats a part.
    """

    name: str
    make: Callable[[], Callable[[Any], Any]]
    digest: str = ""
    files: tuple[Path, ...] = ()
    part_files: Callable[[Any], Iterable[Path]] = no_files
    programs: bool = False
    limit: float = 3600.0
    repeat: Callable[[Any], str] = same_command


def digest_of(*values: object) -> str:
    """A name for values by their content: 32 hexadecimal digits.

    Takes texts, bytes, numbers, None, paths of files (their bytes count, not their place), arrays, tensors,
    dataclasses, and mappings and sequences of such.
    """
    digest = hashlib.sha256()
    for value in values:
        _feed(digest, value)
    return digest.hexdigest()[:32]


def _feed(digest: hashlib._Hash, value: Any) -> None:
    if hasattr(value, "numpy") and not isinstance(value, np.ndarray):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype} {value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data)
    elif isinstance(value, Path):
        digest.update(f"file {file_digest(value)}".encode())
    elif dataclasses.is_dataclass(value):
        digest.update(f"{type(value).__name__}(".encode())
        _feed(digest, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    elif isinstance(value, Mapping):
        digest.update(f"{len(value)} entries".encode())
        for key, entry in value.items():
            _feed(digest, key)
            _feed(digest, entry)
    elif isinstance(value, list | tuple | range):
        digest.update(f"{len(value)} values".encode())
        for entry in value:
            _feed(digest, entry)
    elif value is None or isinstance(value, str | bytes | int | float | bool | np.generic):
        digest.update(f"{type(value).__name__} {value!r};".encode())
    else:
        raise TypeError(f"{type(value).__name__} has no digest")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder with their names, in hexadecimal digits."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for name, file in tree(path):
        digest.update(f"{name} {file_digest(file)}\n".encode())
    return digest.hexdigest()


def tree(folder: Path) -> list[tuple[str, Path]]:
    """The files of a folder by their path in it, sorted."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted((path.relative_to(folder).as_posix(), path) for path in files)


@functools.cache
def code_digest() -> str:
    """A name for the program itself, as it lay on disk when it was first asked for: 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        digest.update(file_digest(ROOT / package).encode())
    return digest.hexdigest()[:12]
