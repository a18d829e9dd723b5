"""Trying many architectures: in parallel, each result kept as soon as it is there."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pointwise.model.parallel import Executor, Job, Record, code_digest, complete, digest_of

from .catalogue import Entry
from .libraries import versions
from .trial import CORE, Row, tried

LIMIT_S = 3600.0
"""After which an architecture is taken for hung."""


def survey(
    entries: Sequence[Entry],
    results: Path,
    executor: Executor,
    progress: Callable[[int, int], None] = lambda done, total: None,
    arrived: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Try architectures, those that the file of results has not, and return the rows of all, in order.

    Args:
        results: a file that an interrupted survey goes on from; of another version of the program it is
            refused.
        executor: what does the work. progress: called with (done, in all). arrived: with each new row.

    Raises:
        PointwiseError: a library is not installed, or the file is of another version or cannot be written.
    """
    job = Job("coverage", _trials, digest_of(versions(), CORE, code_digest()), limit=LIMIT_S)
    with Record(results, job.name, job.digest) as record:
        found = complete(
            job,
            {entry.key: entry for entry in entries},
            record,
            executor,
            progress=progress,
            arrived=lambda _, row: arrived(Row(**row)),
        )
    return [Row(**row) for row in found.values()]


def _trials() -> Callable[[Entry], dict[str, object]]:
    return lambda entry: tried(entry).to_dict()
