"""Work in several processes that all end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sized
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from pointwise.hw.contract.errors import PointwiseError

from .here import Here, settle

Part = TypeVar("Part")
Result = TypeVar("Result")

AHEAD = 2
"""Parts handed out for each process, so that none waits for the parent."""
GRACE_S = 5.0
"""What a part has, once nobody wants it any more, to end the programs that it has started."""


def processors() -> int:
    """How many processes of this program can run at once."""
    return len(os.sched_getaffinity(0))


class Pool:
    """Processes with a function made in each; leaving the ``with`` statement ends them in whatever they do.

    They also end when the process that made them does, however it ends.

    Args:
        make: makes the function, once in each process; it must be picklable, as parts and results must.
        workers: processes. places: as in ``Here``.
    """

    def __init__(
        self,
        make: Callable[[], Callable[[Any], Any]],
        workers: int,
        places: Mapping[Path, Path] | None = None,
    ) -> None:
        # Spawned and not forked: torch's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._theirs, self._ours = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            workers, context, _start, (make, self._theirs, dict(places or {}))
        )

    def submit(self, part: object) -> Future:
        """The result of a part, once there is one; ``BrokenProcessPool`` when its process has died."""
        with _without_interruption():
            return self._executor.submit(_work, part)

    def ready(self) -> Future:
        """Done when a process has made its function."""
        with _without_interruption():
            return self._executor.submit(_nothing)

    def close(self) -> None:
        """End the processes."""
        # They end when the pipe closes.
        self._ours.close()
        self._theirs.close()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def in_processes(
    make: Callable[[], Callable[[Part], Result]], parts: Iterable[Part | None], workers: int
) -> Generator[Result, None, None]:
    """Yield what a function makes of each part, as the results come.

    Whoever stops reading, for whatever reason, ends the processes at once, in the middle of a part if need
    be; so does the death of this process.

    Args:
        make: makes the function, once in each process; it must be picklable, as parts and results must.
        parts: of the work; None where there is none until another result has been taken.
        workers: processes; with one, none is started.

    Raises:
        PointwiseError: fewer than one worker was asked for, or a process ended before its time.
    """
    if workers < 1:
        raise PointwiseError(f"{workers} processes were asked for; give at least 1")
    most = min(workers, len(parts)) if isinstance(parts, Sized) else workers
    if most <= 1:
        yield from map(make(), cast(Iterable[Part], parts)) if most else ()
        return
    waiting = iter(parts)
    pending: set[Future] = set()
    with Pool(make, most) as pool:
        try:
            while True:
                while len(pending) < AHEAD * workers and (part := next(waiting, None)) is not None:
                    pending.add(pool.submit(part))
                if not pending:
                    break
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        except BrokenProcessPool as error:
            raise PointwiseError(
                "A process ended before its time, most likely for want of memory; run the command again with "
                "fewer --workers."
            ) from error


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: several sum in another order, and processes get in each other's way."""
    import torch  # here, as work without it should not wait for seconds until it is imported

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _without_interruption() -> Iterator[None]:
    """Block SIGINT here, and so in the processes that are started meanwhile, until they have their function.

    They import for seconds before ``_start`` can say that Ctrl-C, which reaches all, is for the parent.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_function: Callable[[Any], Any]
_busy = threading.Event()


class _Unwanted(BaseException):
    """Raised in the middle of a part that nobody wants any more."""


def _start(make: Callable[[], Callable], parent: Connection, places: Mapping[Path, Path]) -> None:
    """Prepare a process: its function, and an end together with the parent's.

    Args:
        parent: the reading end of a pipe that the parent holds open as long as it wants results.
    """
    global _function
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGUSR1, _unwind)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    settle(Here(places=places))
    _function = make()


def _work(part: object) -> object:
    _busy.set()
    try:
        return _function(part)
    finally:
        _busy.clear()


def _nothing() -> None:
    """The part that takes no time."""


def _unwind(number: int, frame: object) -> None:
    if _busy.is_set():
        raise _Unwanted


def _end_with(parent: Connection) -> None:
    try:
        parent.recv()
    except (EOFError, OSError):
        # Programs that a part has started are not ended by the end of this process, but by the part.
        end = time.monotonic() + GRACE_S
        if _busy.is_set():
            os.kill(os.getpid(), signal.SIGUSR1)
        while _busy.is_set() and time.monotonic() < end:
            time.sleep(0.02)
        os._exit(1)
