"""Results of parts in a file that survives whatever interrupts the work: lines of JSON, one a result.

A line is written as soon as the result is there, and counts once however often it comes.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.form import Form, FormError, parse_json


class Lines:
    """A file of lines while it is open: read once, then written at its end, by one process alone.

    A last line that an interruption left unfinished is cut off.

    Attributes:
        longest: bytes of a line that is read.

    Raises:
        PointwiseError: on entering, if another process has it, or it cannot be opened.
    """

    longest = 1 << 20

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

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
                f"The results {self.path} are being written by another command; wait for it, or name another "
                "file."
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

    def take(self, line: bytes) -> None:
        """Called with every line that the file holds when it is opened."""

    def write(self, lines: Iterable[dict[str, Any]]) -> None:
        """Write lines; once this returns, a kill of the process cannot take them back."""
        self._file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        self._file.flush()

    def _read(self) -> None:
        """Take what is whole; cut off a last line that an interruption left unfinished."""
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            raise PointwiseError(f"The results {self.path} are no ordinary file; name another file.")
        self._file.seek(0)
        whole = 0
        # A line that is longer than any of ours comes in pieces, of which none is a result.
        while line := self._file.readline(self.longest):
            if line.endswith(b"\n"):
                whole = self._file.tell()
            self.take(line)
        if whole < self._file.tell():
            os.ftruncate(self._file.fileno(), whole)


class _Line(Form):
    """What a line holds."""

    job: str
    digest: str
    part: str
    result: Any


class Record(Lines):
    """Results of the parts of one job, JSON-able, by the names of the parts.

    Attributes:
        done: what the file holds.

    Raises:
        PointwiseError: on entering, if the file is of another job, or as ``Lines`` does.
    """

    def __init__(self, path: str | Path, job: str, digest: str) -> None:
        super().__init__(path)
        self.job, self.digest = job, digest
        self.done: dict[str, Any] = {}

    longest = 1 << 26

    def add(self, part: str, result: object) -> bool:
        """Keep a result; False where that part has one already, which stays."""
        if part in self.done:
            return False
        self.done[part] = result
        self.write([{"job": self.job, "digest": self.digest, "part": part, "result": result}])
        return True

    def take(self, line: bytes) -> None:
        try:
            values = _Line.of(parse_json(line)) if line.endswith(b"\n") else None
        except FormError:
            values = None
        if values is None:
            return  # garbled: that part is done again
        if (values.job, values.digest) != (self.job, self.digest):
            other = f"of {values.job!r}" if values.job != self.job else "with other weights, settings or code"
            raise PointwiseError(
                f"{self.path} holds results {other}; name another file, or remove it to begin anew."
            )
        self.done.setdefault(values.part, values.result)
