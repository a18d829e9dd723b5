"""Parts on a Dask cluster: handed out, waited for, and handed out again when something fails."""

from __future__ import annotations

import asyncio
import logging
import pickle
import queue
import tempfile
import uuid
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pointwise.hw.contract.errors import PointwiseError

try:
    import cloudpickle
    import dask.config
    import distributed
except ModuleNotFoundError as error:
    raise PointwiseError(
        f"the Python package {error.name} is not installed, which speaks to clusters; run "
        "pip install 'pointwise[cluster]'"
    ) from error

from .connection import Connection
from .executor import Parts, each
from .job import Job
from .part import Kept
from .program import describe
from .shipment import Shipment
from .shipping import FileName, packed
from .worker import Assignment, Outcome, end_processes, work

AHEAD = 4
"""Parts handed out for each thread of a worker, so that none waits for the scheduler."""
ATTEMPTS = 3
"""How often a part that fails is tried, each time on another worker where there is one."""
LARGE = 1 << 16
"""Bytes of a job's function from which on it travels as a file."""
LOOK_S = 0.5
"""Between two looks at the cluster while no result comes."""


@dataclass
class _Part:
    """A part that has no result yet, and what happened to it."""

    name: str
    data: bytes
    files: tuple[FileName, ...]
    repeat: str
    contents: dict[Path, bytes] = field(default_factory=dict)
    failures: dict[str, Outcome] = field(default_factory=dict)
    tries: int = 0
    submission: int = 0


class Cluster:
    """The executor on a cluster, while the ``with`` statement lasts; see ``executor.Executor``.

    Args:
        address: of the scheduler, or its scheduler file. note: told what a person should know.
    """

    def __init__(self, address: str, note: Callable[[str], None] = lambda text: None) -> None:
        self.note = note
        self.connection = Connection(address, note)
        self.run_name = uuid.uuid4().hex[:8]

    @property
    def workers(self) -> int:
        """Parts at a time."""
        return self.connection.threads()

    def __enter__(self) -> Self:
        # What Dask logs about connections that come and go is told in sentences of our own.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"})
        self.connection.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def run(
        self, job: Job, parts: Parts, tell: Callable[[str, str], None] = lambda name, text: None
    ) -> Generator[tuple[str, Any], None, None]:
        """As ``Executor.run``; what a part is at is not told from afar."""
        if parts:
            yield from _Run(self, job, parts, tell).results()


class _Run:
    """One job on its way through the cluster."""

    def __init__(self, cluster: Cluster, job: Job, parts: Parts, tell: Callable[[str, str], None]) -> None:
        self.connection, self.note, self.tell = cluster.connection, cluster.note, tell
        self.job, self.name = job, f"{cluster.run_name}{uuid.uuid4().hex[:4]}"
        make = _pickled(job.make, f"what makes the function of {job.name}")
        files, self.folder = job.files, None
        if len(make) > LARGE:
            # Once a worker, and not with every part.
            self.folder = tempfile.TemporaryDirectory(prefix="pointwise-")
            path = Path(self.folder.name, "make")
            path.write_bytes(make)
            make, files = pickle.dumps(Kept(path)), (*files, path)
        self.make = make
        self.files = tuple(FileName.by_content(path) for path in files)
        self.given = iter(each(parts))
        self.waiting: deque[_Part] = deque()
        self.pending: dict[str, tuple[_Part, distributed.Future]] = {}
        self.arrived: queue.SimpleQueue[distributed.Future] = queue.SimpleQueue()
        self.avoided: dict[str, str] = {}
        self.sent: dict[Path, int] = {}
        self.shipments: list[str] = []
        self.count = 0

    def results(self) -> Generator[tuple[str, Any], None, None]:
        """Yield names and results as they come."""
        try:
            while True:
                self._hand_out()
                if not self.pending and not self.waiting:
                    break
                for part, outcome in self._come():
                    result = self._judged(part, outcome)
                    if result is not None:
                        yield part.name, pickle.loads(result)
        finally:
            self._end()

    def _come(self) -> list[tuple[_Part, Outcome]]:
        """What has come since the last time, or within a moment; parts that Dask lost wait anew."""
        futures = []
        with suppress(queue.Empty):
            futures.append(self.arrived.get(timeout=LOOK_S))
            while True:
                futures.append(self.arrived.get_nowait())
        # A result that is not waited for has come before, or was asked for before the scheduler went.
        own = list({future.key: future for future in futures if future.key in self.pending}.values())
        finished = [future for future in own if future.status == "finished"]
        results = self._gathered(finished)
        outcomes = []
        for future in own:
            if future.status == "finished" and future not in results:
                self.arrived.put(future)  # on another occasion
                continue
            part, _ = self.pending.pop(future.key)
            if future in results:
                outcomes.append((part, results[future]))
            elif future.status == "error":
                outcomes.append((part, self._broken(part, future.exception())))
            else:
                self.waiting.append(part)
            future.release()
        return outcomes

    def _gathered(self, futures: list[Any]) -> dict[Any, Outcome]:
        """Fetch results at once, as each question costs a way to the scheduler and to a worker.

        Where a worker has died with its results, Dask would wait until they are there again, perhaps behind
        a part that hangs; nothing is fetched then, and the futures say which are lost.
        """
        if not futures:
            return {}
        client = self.connection.client
        try:
            gathering = asyncio.run_coroutine_threadsafe(
                client.gather(futures, asynchronous=True), client.loop.asyncio_loop
            )
            while True:
                try:
                    return dict(zip(futures, gathering.result(LOOK_S), strict=True))
                except TimeoutError:
                    if any(future.status != "finished" for future in futures):
                        gathering.cancel()
                        return {}
        except Exception:
            return {}  # the scheduler has just gone

    def _hand_out(self) -> None:
        """Give the cluster as many parts as its workers can do soon."""
        self._look()
        room = AHEAD * max(1, self.connection.threads()) - len(self.pending)
        if room <= len(self.pending) // 2 and self.pending:
            return  # a few at once cost the scheduler less
        for _ in range(room):
            part = self.waiting.popleft() if self.waiting else self._next()
            if part is None:
                break
            self._submit(part)

    def _next(self) -> _Part | None:
        """A part that nobody has had."""
        given = next(self.given, None)
        if given is None:
            return None
        name, part = given
        return _Part(
            name,
            _pickled(part, f"the part {name} of {self.job.name}"),
            tuple(map(FileName.by_stamp, self.job.part_files(part))),
            self.job.repeat(part),
        )

    def _submit(self, part: _Part) -> None:
        assignment = Assignment(
            f"{self.job.name} {self.job.digest}",
            self.make,
            part.data,
            describe(),
            self.job.limit,
            self.files,
            part.files,
            part.contents,
        )
        workers = self._elsewhere(part)
        self.count += 1
        part.submission = self.count
        key = f"{self.job.name}-{self.name}-{self.count}"
        try:
            future = self.connection.client.submit(work, assignment, key=key, pure=False, workers=workers)
        except Exception:
            if self.connection.alive():
                raise
            self.waiting.appendleft(part)
            self.connection.mend()
            self._again()
            return
        self.pending[key] = part, future
        future.add_done_callback(self.arrived.put)

    def _elsewhere(self, part: _Part) -> list[str] | None:
        """The workers that may have a part; None for all of them."""
        if not part.failures and not self.avoided:
            return None
        there = set(self.connection.addresses())
        good = there - set(self.avoided)
        if there and not good:
            raise PointwiseError(f"no worker of the cluster can be used: {next(iter(self.avoided.values()))}")
        return sorted(good - set(part.failures)) or sorted(good) or None

    def _judged(self, part: _Part, outcome: Outcome) -> bytes | None:
        """The result of a part; None where it is to be done again."""
        if outcome.result is not None:
            return outcome.result
        if outcome.missing:
            self._send(part, outcome)
        elif outcome.incompatible:
            self._avoid(outcome.worker, outcome.error)
        else:
            self._fail(part, outcome)
        self.waiting.appendleft(part)
        return None

    def _broken(self, part: _Part, error: BaseException) -> Outcome:
        """What it means that Dask itself could not do a part."""
        if isinstance(error, distributed.KilledWorker):
            last = error.last_worker.address if error.last_worker else "a worker"
            raise PointwiseError(
                f"the part {part.name} of {self.job.name} has ended {error.allowed_failures + 1} workers, "
                f"the last of them {last}, most likely for want of memory; give workers more of it"
            ) from error
        if isinstance(error, ModuleNotFoundError | ImportError | AttributeError):
            raise PointwiseError(
                f"a worker has no Pointwise like this one ({error}); install the same on all machines"
            ) from error
        return Outcome("a worker", error=f"{type(error).__name__}: {error}")

    def _fail(self, part: _Part, outcome: Outcome) -> None:
        """Try a part again on another worker, or tell that it fails everywhere."""
        part.failures[outcome.worker] = outcome
        part.tries += 1
        if part.tries >= ATTEMPTS:
            path = self._log(part, outcome) if outcome.log else None
            log = f" (its log is {path})" if path else ""
            raise PointwiseError(
                f"the part {part.name} of {self.job.name} failed {part.tries} times, last on "
                f"{outcome.worker}: {outcome.error}{log}; to repeat it: {part.repeat}"
            )
        self.note(f"{self.job.name}, part {part.name} failed on {outcome.worker}: {outcome.error}; once more")

    def _log(self, part: _Part, outcome: Outcome) -> Path:
        path = Path(f"pointwise-{self.job.name}-{self.name}.log").resolve()
        path.write_text(f"part {part.name} on {outcome.worker}\nto repeat it: {part.repeat}\n\n{outcome.log}")
        return path

    def _avoid(self, worker: str, reason: str) -> None:
        if worker not in self.avoided:
            self.avoided[worker] = f"{worker}: {reason}"
            self.note(f"the worker {worker} is left out: {reason}")

    def _send(self, part: _Part, outcome: Outcome) -> None:
        """Send files that a worker has not got: a job's to all workers, once; those of a part with it."""
        by_path = {file.path: file for file in self.files}
        for path in outcome.missing:
            if path not in by_path:
                part.contents[path] = packed(path)
            elif path in self.sent:
                # Parts that were on their way before the file was are sent again.
                if part.submission > self.sent[path]:
                    self._avoid(outcome.worker, f"{path} does not reach it")
            else:
                self.sent[path] = self.count
                shipment = Shipment(self.name, by_path[path], packed(path))
                self.shipments.append(shipment.name)
                self.connection.client.register_plugin(shipment)

    def _look(self) -> None:
        """See that the scheduler is still there."""
        if not self.connection.alive():
            self.connection.mend()
            self._again()

    def _again(self) -> None:
        """Hand out anew what a scheduler that has gone had been given."""
        self.waiting.extendleft(part for part, _ in self.pending.values())
        self.pending.clear()
        self.sent.clear()
        self.shipments.clear()

    def _end(self) -> None:
        """Leave nothing behind on the cluster."""
        for _, future in self.pending.values():
            with suppress(Exception):
                future.cancel()
        self.pending.clear()
        if self.folder is not None:
            self.folder.cleanup()
        if not self.connection.alive():
            return
        with suppress(Exception):
            self.connection.client.run(end_processes, on_error="ignore")
        for name in self.shipments:
            with suppress(Exception):
                self.connection.client.unregister_worker_plugin(name)


def _pickled(value: object, what: str) -> bytes:
    try:
        data = pickle.dumps(value)
        # What a script defines is sent by value, since there is no module of that name elsewhere.
        return cloudpickle.dumps(value) if b"__main__" in data else data
    except Exception as error:
        raise PointwiseError(
            f"{what} cannot be sent to another machine ({error}); make it of functions and classes of a "
            "module that is installed there"
        ) from error
