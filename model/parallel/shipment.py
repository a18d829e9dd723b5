"""A file on its way to all workers of a Dask cluster."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from distributed.diagnostics.plugin import WorkerPlugin

from .shipping import FileName, unpack


class Shipment(WorkerPlugin):
    """A plugin of Dask's workers that brings a file: the scheduler gives it to each, once, late ones too.

    A worker that has the file in the same place writes nothing.

    Args:
        run: of the command, so that two of them do not take each other's away. file: by content.
        data: what ``packed`` gave.
    """

    idempotent = True

    def __init__(self, run: str, file: FileName, data: bytes) -> None:
        self.file, self.data, self.folder = file, data, file.path.is_dir()
        self.name = f"pointwise-{run}-{file.digest[:32]}"
        self.place: Path | None = None
        self.trouble = ""

    def setup(self, worker: Any) -> None:
        """Called by Dask when the worker has it."""
        try:
            if not self.file.is_here():
                folder = Path(worker.local_directory) / self.name
                folder.mkdir(parents=True, exist_ok=True)
                unpack(self.data, self.folder, folder / self.file.path.name)
                self.place = folder / self.file.path.name
        except OSError as error:
            # Told by the parts that need it, which are then done elsewhere.
            self.trouble = f"{error.strerror} (writing {self.file.path.name})"
        self.data = b""

    def teardown(self, worker: Any) -> None:
        """Called when the job is done."""
        if self.place is not None:
            shutil.rmtree(self.place.parent, ignore_errors=True)
