"""What runs inside a Dask worker: a part, in a process of its own that can be ended.

Dask cannot stop a thread, so a part is done by a process under the worker. It is kept for the next part of
the same job, and ends with the job, with the worker, or when the part hangs or is not wanted any more.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
import traceback
from collections.abc import Mapping
from concurrent.futures import TimeoutError as NotYet
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pointwise.hw.contract.errors import PointwiseError

from .part import Made, sentence_of
from .processes import Pool
from .program import describe, difference
from .shipment import Shipment
from .shipping import FileName, find, lay_out

LOOK_S = 0.2
"""Between two looks whether a part that is being done is still wanted."""
START_S = 900.0
"""For a process to start and make its function; it may compile or load something large."""
IDLE_S = 60.0
"""After which a process without work is ended; its job has most likely gone."""


@dataclass(frozen=True)
class Assignment:
    """A part on its way to a worker.

    Attributes:
        job: name and digest, by which a process is found again. make: pickled. part: pickled.
        program: that sent it, as ``describe`` has it. limit: in seconds.
        files: that the job needs. part_files: that the part needs. contents: of those that are sent along.
    """

    job: str
    make: bytes
    part: bytes
    program: Mapping[str, str]
    limit: float
    files: tuple[FileName, ...] = ()
    part_files: tuple[FileName, ...] = ()
    contents: Mapping[Path, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a part.

    Attributes:
        worker: address. result: pickled, of a part that was done.
        error: the sentence otherwise; log: of a person who looks for the cause.
        incompatible: the worker has another program. missing: files that it has not got.
    """

    worker: str
    result: bytes | None = None
    error: str = ""
    log: str = ""
    incompatible: bool = False
    missing: tuple[Path, ...] = ()


def work(assignment: Assignment) -> Outcome:
    """Do a part; raises nothing but what ends the worker."""
    from distributed import get_worker

    worker = get_worker()
    strange = difference(describe(), assignment.program)
    if strange:
        return Outcome(worker.address, incompatible=True, error=f"it {strange}")
    shipments = [plugin for plugin in worker.plugins.values() if isinstance(plugin, Shipment)]
    places, missing = find((*assignment.files, *assignment.part_files), shipments, assignment.contents)
    if missing:
        return Outcome(worker.address, missing=missing)
    process = None
    try:
        with lay_out(assignment.contents, Path(worker.local_directory)) as laid:
            process = _PROCESSES.take(assignment, places)
            key = worker.get_current_task()
            _await(process.ready(), START_S, worker, key)
            future = process.submit((assignment.part, laid))
            result = _await(future, assignment.limit, worker, key)
        _PROCESSES.give_back(assignment, places, process)
        process = None
        return Outcome(worker.address, result) if isinstance(result, bytes) else _failed(worker, *result)
    except BrokenProcessPool:
        return Outcome(worker.address, error="its process ended before its time, perhaps for want of memory")
    except PointwiseError as error:
        return Outcome(worker.address, error=str(error))
    except Exception as error:
        return Outcome(worker.address, error=sentence_of(error), log=traceback.format_exc())
    finally:
        if process is not None:
            process.close()


def _failed(worker: Any, error: str, log: str) -> Outcome:
    return Outcome(worker.address, error=error, log=log)


def _await(future: Any, limit: float, worker: Any, key: object) -> Any:
    end = time.monotonic() + limit
    while True:
        try:
            return future.result(LOOK_S)
        except NotYet:
            task = worker.state.tasks.get(key)
            if task is None or task.state not in ("executing", "long-running"):
                raise PointwiseError("nobody wants it any more") from None
            if time.monotonic() > end:
                raise PointwiseError(f"it was not done after {limit:g} s and was taken for hung") from None


class Processes:
    """The processes of this worker that wait for another part of their job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[float, object, Pool]] = []
        self._timer: threading.Timer | None = None

    def take(self, assignment: Assignment, places: Mapping[Path, Path]) -> Pool:
        """One of the job, for one part at a time; processes of other jobs end."""
        # Dask's nanny marks its worker as one without children; ours end with it, by their pipe.
        if multiprocessing.current_process().daemon:
            multiprocessing.current_process().daemon = False
        key = self._key(assignment, places)
        with self._lock:
            fitting = [entry for entry in self._idle if entry[1] == key]
            others = [entry for entry in self._idle if entry[1] != key]
            self._idle = fitting[1:]
        for _, _, pool in others:
            pool.close()
        if fitting:
            return fitting[0][2]
        return Pool(Made(assignment.make, assignment.program["Pointwise"]), 1, places)

    def give_back(self, assignment: Assignment, places: Mapping[Path, Path], pool: Pool) -> None:
        """Keep a process for the next part."""
        with self._lock:
            self._idle.append((time.monotonic(), self._key(assignment, places), pool))
            self._watch()

    def close(self, idle_s: float = 0.0) -> None:
        """End the processes that have had no work for so long."""
        latest = time.monotonic() - idle_s
        with self._lock:
            old = [entry for entry in self._idle if entry[0] <= latest]
            self._idle = [entry for entry in self._idle if entry[0] > latest]
        for _, _, pool in old:
            pool.close()

    def _watch(self) -> None:
        """Look after the idle ones later, if nobody does yet."""
        if self._timer is None and self._idle:
            self._timer = threading.Timer(IDLE_S / 2, self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        self.close(IDLE_S)
        with self._lock:
            self._timer = None
            self._watch()

    @staticmethod
    def _key(assignment: Assignment, places: Mapping[Path, Path]) -> object:
        return assignment.job, assignment.make, tuple(sorted(places.items()))


_PROCESSES = Processes()


def end_processes() -> None:
    """End all processes of this worker that wait for parts."""
    _PROCESSES.close()
