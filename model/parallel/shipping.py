"""Files that parts need: found where they lie on a worker's machine, or sent there."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pointwise.hw.contract.errors import PointwiseError

from .job import file_digest, tree

if TYPE_CHECKING:
    from .shipment import Shipment


@dataclass(frozen=True)
class FileName:
    """A file, or a folder, as the command knows it.

    Attributes:
        path: where the command has it.
        stamp: size and time of its last change. digest: of its content; the one of them that counts is given.
    """

    path: Path
    stamp: str = ""
    digest: str = ""

    @classmethod
    def by_content(cls, path: Path) -> FileName:
        """Named by its content, as all parts depend on it."""
        return cls(path, digest=file_digest(path))

    @classmethod
    def by_stamp(cls, path: Path) -> FileName:
        """Named by size and time: reading all of many files to name them would take as long as the work."""
        return cls(path, stamp=stamp(path))

    def is_here(self) -> bool:
        """Whether this machine has it in the same place."""
        if not self.digest:
            return stamp(self.path) == self.stamp
        try:
            return _digest(self.path, stamp(self.path)) == self.digest
        except OSError:
            return False


def stamp(path: Path) -> str:
    """Size in bytes and time of the last change in nanoseconds; empty where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


_DIGESTS: dict[tuple[Path, str], str] = {}


def _digest(path: Path, stamped: str) -> str:
    """The digest of a file, read once in a process until it changes; of folders every time."""
    if path.is_dir():
        return file_digest(path)
    if (path, stamped) not in _DIGESTS:
        _DIGESTS[path, stamped] = file_digest(path)
    return _DIGESTS[path, stamped]


def packed(path: Path) -> bytes:
    """The content of a file or a folder."""
    if not path.is_dir():
        return path.read_bytes()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, file in tree(path):
            archive.add(file, name)
    return data.getvalue()


def unpack(data: bytes, folder: bool, path: Path) -> None:
    """Write what ``packed`` gave."""
    if not folder:
        path.write_bytes(data)
        return
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(path, filter="data")


def find(
    files: Sequence[FileName], shipments: Sequence[Shipment], contents: Mapping[Path, bytes]
) -> tuple[dict[Path, Path], tuple[Path, ...]]:
    """Where files lie that were sent here, and those that this machine lacks.

    Raises:
        PointwiseError: a file that was sent could not be written.
    """
    sent = {shipment.file.digest: shipment for shipment in shipments}
    places, missing = {}, []
    for file in files:
        if file.path in contents:
            continue
        shipment = sent.get(file.digest) if file.digest else None
        if shipment is not None and shipment.trouble:
            raise PointwiseError(shipment.trouble)
        if shipment is not None and shipment.place is not None:
            places[file.path] = shipment.place
        elif not file.is_here():
            missing.append(file.path)
    return places, tuple(missing)


@contextmanager
def lay_out(contents: Mapping[Path, bytes], folder: Path) -> Iterator[dict[Path, Path]]:
    """Write the files that came with a part, for the length of a ``with`` statement; gives their places."""
    if not contents:
        yield {}
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix="pointwise-part-") as place:
        places = {}
        for index, (path, data) in enumerate(contents.items()):
            places[path] = Path(place, f"{index}{path.suffix}")
            places[path].write_bytes(data)
        yield places
