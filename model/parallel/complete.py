"""A job from the file that keeps its results to the last of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from .executor import Executor
from .job import Job
from .record import Record


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
