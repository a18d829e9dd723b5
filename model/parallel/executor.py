"""What does the parts of jobs: processes and threads of this machine, or a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Protocol, cast

from pointwise.hw.contract.errors import PointwiseError

from .here import Here, settle
from .job import Job
from .processes import in_processes, processors

VARIABLE = "POINTWISE_SCHEDULER"
"""Of the environment: the cluster that commands use unless they are told another."""


Parts = Mapping[str, Any] | Iterable[tuple[str, Any] | None]


def each(parts: Parts) -> Iterable[tuple[str, Any] | None]:
    """Names and parts, and None where there is none yet."""
    return cast(Mapping[str, Any], parts).items() if isinstance(parts, Mapping) else parts


class Executor(Protocol):
    """Something that does parts.

    Attributes:
        workers: how many parts it does at a time, now.
    """

    @property
    def workers(self) -> int: ...

    def run(
        self, job: Job, parts: Parts, tell: Callable[[str, str], None] = ...
    ) -> Generator[tuple[str, Any], None, None]:
        """Yield the name and the result of each part, as they come; each once.

        Whoever stops reading, for whatever reason, ends the parts that are being done.

        Args:
            parts: by name; or names and parts as they are asked for, with None where there is none until
                another result has been taken.
            tell: called with the name of a part and what it is at, where that can be told.

        Raises:
            PointwiseError: a part failed, wherever it was tried, or there is nobody left to do it.
        """
        ...


class Local:
    """This machine."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise PointwiseError(f"{workers} processes were asked for; give at least 1")
        self.workers = workers

    def run(
        self, job: Job, parts: Parts, tell: Callable[[str, str], None] = lambda name, text: None
    ) -> Generator[tuple[str, Any], None, None]:
        """As ``Executor.run``; an error of a part comes as it was raised."""
        if job.programs:
            yield from self._in_threads(job, parts, tell)
            return
        with closing(in_processes(partial(_Named, job.make), each(parts), self.workers)) as results:
            yield from results

    def _in_threads(
        self, job: Job, parts: Parts, tell: Callable[[str, str], None]
    ) -> Generator[tuple[str, Any], None, None]:
        surroundings = Here()
        waiting = iter(each(parts))
        pending: set[Future] = set()

        if not parts:
            return
        work = job.make()

        def one(name: str, part: object) -> tuple[str, Any]:
            settle(Here(surroundings.stop, tell=partial(tell, name)))
            return name, work(part)

        with ThreadPoolExecutor(self.workers) as pool:
            try:
                while True:
                    while len(pending) < self.workers and (given := next(waiting, None)) is not None:
                        pending.add(pool.submit(one, *given))
                    if not pending:
                        break
                    finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in finished:
                        yield future.result()
            except BaseException:
                surroundings.stop.set()
                pool.shutdown(cancel_futures=True)
                raise


class _Named:
    """The function of a job that keeps the name of the part beside its result."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        self.work = make()

    def __call__(self, part: tuple[str, Any]) -> tuple[str, Any]:
        return part[0], self.work(part[1])


@contextmanager
def executor(
    scheduler: str | None = None,
    workers: int | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Iterator[Executor]:
    """A cluster where one is named, or else this machine, for the length of a ``with`` statement.

    Args:
        scheduler: address of a Dask scheduler or its ``--scheduler-file``; the variable
            ``POINTWISE_SCHEDULER`` of the environment unless given.
        workers: parts at a time on this machine; one a processor unless given.
        note: told what a person should know of, such as a worker that was lost.

    Raises:
        PointwiseError: the cluster cannot be reached, or does not fit this program.
    """
    address = scheduler or os.environ.get(VARIABLE)
    if not address:
        yield Local(processors() if workers is None else workers)
        return
    if workers is not None:
        raise PointwiseError(
            f"--workers is for this machine, but the parts go to the cluster {address}, which has its own; "
            "leave out one of the two"
        )
    from .cluster import Cluster

    with Cluster(address, note) as cluster:
        yield cluster
