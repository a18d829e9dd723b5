"""A job from the file that keeps its results to the last of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pointwise.hw.contract.errors import Interrupted

from .executor import Executor
from .job import Job
from .record import Record


@contextmanager
def goes_on(done: Callable[[], int], total: int, what: str, path: Path) -> Iterator[None]:
    """Tell whoever interrupts the work how much of it is done, and where that is kept.

    Args:
        done: how many of ``total`` there are when it is asked. what: they are. path: of the file.

    Raises:
        Interrupted: in place of KeyboardInterrupt.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"{done():,} of {total:,} {what} are done and kept in {path}; the same command goes on from there"
        ) from error


def complete(
    job: Job,
    parts: Mapping[str, Any],
    record: Record,
    executor: Executor,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    arrived: Callable[[str, Any], None] = lambda name, result: None,
    final: Callable[[Any], bool] = lambda result: True,
    tell: Callable[[str, str], None] = lambda name, text: None,
) -> dict[str, Any]:
    """Do the parts that a record lacks, and return the results of all, in the order of ``parts``.

    Args:
        parts: by name; results must be JSON-able. record: open. progress: called with (done, in all).
        arrived: called with each new result before it is kept, and not for those of earlier runs.
        final: whether a result is kept; a part with another one is done again the next time.
        tell: as in ``Executor.run``.

    Raises:
        PointwiseError: as ``Executor.run``.
    """
    missing = {name: part for name, part in parts.items() if name not in record.done}
    results = {name: record.done[name] for name in parts if name in record.done}
    progress(len(results), len(parts))
    with goes_on(lambda: len(results), len(parts), "parts", record.path):
        with closing(executor.run(job, missing, tell)) as arriving:
            for name, result in arriving:
                if name in results:
                    continue
                arrived(name, result)
                results[name] = result
                if final(result):
                    record.add(name, result)
                progress(len(results), len(parts))
    return {name: results[name] for name in parts}
