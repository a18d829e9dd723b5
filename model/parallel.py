"""Work in several processes that all end with the one that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

from hw.contract.errors import PointwiseError

Part = TypeVar("Part")
Result = TypeVar("Result")

AHEAD = 2
"""Parts handed out for each process, so that none waits for the parent."""


def processors() -> int:
    """How many processes of this program can run at once."""
    return len(os.sched_getaffinity(0))


def in_processes(
    make: Callable[[], Callable[[Part], Result]], parts: Sequence[Part], workers: int
) -> Iterator[Result]:
    """Yield what a function makes of each part, as the results come.

    Whoever stops reading, for whatever reason, ends the processes at once, in the middle of a part if need
    be; so does the death of this process.

    Args:
        make: makes the function, once in each process; it must be picklable, as parts and results must.
        parts: of the work. workers: processes; with one, none is started.

    Raises:
        PointwiseError: fewer than one worker was asked for, or a process ended before its time.
    """
    if workers < 1:
        raise PointwiseError(f"{workers} processes were asked for; give at least 1")
    if min(workers, len(parts)) <= 1:
        yield from map(make(), parts) if parts else ()
        return
    # Spawned and not forked: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(min(workers, len(parts)), context, _start, (make, theirs))
    waiting = iter(parts)
    pending: set[Future] = set()
    try:
        while True:
            while len(pending) < AHEAD * workers and (part := next(waiting, None)) is not None:
                pending.add(pool.submit(_work, part))
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
    finally:
        # The processes end when the pipe closes.
        ours.close()
        theirs.close()
        pool.shutdown(wait=True, cancel_futures=True)


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


_function: Callable | None = None


def _start(make: Callable[[], Callable], parent: Connection) -> None:
    """Prepare a process: its function, and an end together with the parent's.

    Args:
        parent: the reading end of a pipe that the parent holds open as long as it wants results.
    """
    global _function
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _function = make()


def _work(part: object) -> object:
    return _function(part)


def _end_with(parent: Connection) -> None:
    try:
        parent.recv()
    except (EOFError, OSError):
        os._exit(1)
