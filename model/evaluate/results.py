"""The results of an evaluation image by image, in a file that survives whatever interrupts it.

A line of JSON for each image, written as soon as the image is done. A line is found again by the digest of
the networks and by the image, so that one file may serve several networks and growing sets of images; the
last line of an image counts, and it counts once. That an image could not be read is written down too, but it
does not count as done.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import numpy as np
from pydantic import Field, InstanceOf

from hw.contract.errors import PointwiseError
from hw.contract.form import Form, FormError, parse_json
from model.checkpoints import Checkpoint
from model.images.preprocessing import Preprocessing

FORMAT = 1
"""Part of every digest: raised when the numbers of a line change their meaning."""
MOST_LINE = 1 << 20
"""Bytes of a line that is read; ours have some hundred."""
Power = Annotated[float, Field(ge=0, allow_inf_nan=True)]


@dataclass(frozen=True)
class ImageResult:
    """What both networks made of one image.

    Attributes:
        image: its name in the set. stamp: size and time of its file, so that another file is another image.
        float_best, integer_best: the classes of the largest logits, the largest first.
        signal, noise: Σ float² and Σ (float − integer)² of the logits.
        error: why the image could not be read; the numbers are then empty.
    """

    image: str
    stamp: str
    float_best: tuple[int, ...] = ()
    integer_best: tuple[int, ...] = ()
    signal: float = 0.0
    noise: float = 0.0
    error: str | None = None


def stamp(path: Path) -> str:
    """Size in bytes and time of the last change in nanoseconds; empty where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


def digest_of(checkpoint: Checkpoint, network_file: Path, preprocessing: Preprocessing) -> str:
    """A name for everything that the results depend on but the images: 32 hexadecimal digits."""
    digest = hashlib.sha256(f"{FORMAT} {checkpoint.config} {preprocessing!r}".encode())
    for name, tensor in checkpoint.state.items():
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(np.ascontiguousarray(tensor.numpy()))
    digest.update(network_file.read_bytes())
    return digest.hexdigest()[:32]


class ResultsFile:
    """The file while it is open: read once, then written at its end. Only one process may have it open.

    Attributes:
        path: of the file. done: results of these networks by image and stamp, errors among them.

    Raises:
        PointwiseError: on entering, if another process has it, or it cannot be opened.
    """

    def __init__(self, path: str | Path, digest: str) -> None:
        self.path, self.digest = Path(path), digest
        self.done: dict[tuple[str, str], ImageResult] = {}

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        except OSError as error:
            raise PointwiseError(
                f"The results {self.path} cannot be opened ({error.strerror}); name another file."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise PointwiseError(
                f"The results {self.path} are being written by another evaluation; wait for it, or name "
                "another file."
            ) from error
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, results: Iterable[ImageResult]) -> None:
        """Write results behind the others; once this returns, a kill of the process cannot take them back.

        An image that fails every time in the same way does not make the file longer.
        """
        lines = []
        for result in results:
            if self.done.get((result.image, result.stamp)) == result:
                continue
            self.done[result.image, result.stamp] = result
            lines.append(json.dumps({"networks": self.digest, **asdict(result)}) + "\n")
        self._file.write("".join(lines).encode())
        self._file.flush()

    def _read(self) -> None:
        """Take what is whole; cut off a last line that an interruption left unfinished."""
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            raise PointwiseError(f"The results {self.path} are no ordinary file; name another file.")
        self._file.seek(0)
        whole = 0
        # A line that is longer than any of ours comes in pieces, of which none is a result.
        while line := self._file.readline(MOST_LINE):
            if line.endswith(b"\n"):
                whole = self._file.tell()
            result = _parsed(line, self.digest)
            if result is not None:
                self.done[result.image, result.stamp] = result
        if whole < self._file.tell():
            os.ftruncate(self._file.fileno(), whole)


class _Line(Form):
    """What a line holds."""

    networks: str
    # pydantic's own text takes no name of a file that is not UTF-8.
    image: InstanceOf[str]
    stamp: str
    float_best: list[int]
    integer_best: list[int]
    signal: Power
    noise: Power
    error: str | None


def _parsed(line: bytes, digest: str) -> ImageResult | None:
    """The result in a line, or None where it is of other networks, or garbled: the image is done anew."""
    if not line.endswith(b"\n"):
        return None
    try:
        values = dict(_Line.of(parse_json(line)))
    except FormError:
        return None
    if values.pop("networks") != digest:
        return None
    best = {name: tuple(values[name]) for name in ("float_best", "integer_best")}
    return ImageResult(**{**values, **best})
