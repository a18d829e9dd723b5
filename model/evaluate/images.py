"""Float and integer network on images in files: in parallel, and resumed where it was interrupted."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from hw.contract.errors import PointwiseError
from model.checkpoints import load_checkpoint
from model.images.dataset import ImageSet
from model.images.preprocessing import Preprocessing
from model.quantise.io import load_network

from . import worker
from .arrays import TOKENS_AT_ONCE
from .results import ImageResult, ResultsFile, digest_of, stamp
from .tally import Tally, tally

AHEAD = 2
"""Parts handed out for each process, so that none waits for the parent."""


def evaluate_images(
    checkpoint: Path,
    network: Path,
    images: ImageSet,
    results: Path,
    *,
    heads: int | None = None,
    preprocessing: Preprocessing | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Tally:
    """Classify images with both networks and count.

    Every result is written to ``results`` as soon as it is there. A run that was interrupted, in whatever
    way, goes on where it was when it is started again, and ends with the same figures.

    Args:
        checkpoint: of the float network, in any layout. network: what ``pointwise quantise`` made of it.
        heads: as in `load_checkpoint`. preprocessing: the checkpoint's unless given.
        workers: processes at a time; with one, no process is started.
        progress: called with (images done, images in all), first with those of earlier runs.

    Raises:
        PointwiseError: a file does not fit another, or a process ended.
    """
    if workers < 1:
        raise PointwiseError(f"{workers} processes were asked for; give at least 1")
    loaded, integers = load_checkpoint(checkpoint, heads=heads), load_network(network)
    _check_pair(loaded.config.to_dict(), integers.info.get("config"), checkpoint, network)
    labels = images.labels(loaded.config.classes, loaded.class_names)
    task = worker.Task(checkpoint, heads, network, preprocessing or loaded.prepared)
    keys = [(file.name, stamp(file.path)) for file in images.files]
    with ResultsFile(results, digest_of(loaded, network, task.preprocessing)) as file:
        missing = [
            (*key, image.path) for key, image in zip(keys, images.files, strict=True) if key not in file.done
        ]
        done = len(keys) - len(missing)
        if progress:
            progress(done, len(keys))
        size = max(1, TOKENS_AT_ONCE // integers.tokens)
        parts = [missing[start : start + size] for start in range(0, len(missing), size)]
        for part in _classified(task, parts, min(workers, len(parts))):
            file.add(part)
            done += len(part)
            if progress:
                progress(done, len(keys))
        return tally([file.done[key] for key in keys], labels)


def processors() -> int:
    """How many processes of this program can run at once."""
    return len(os.sched_getaffinity(0))


def _classified(
    task: worker.Task, parts: Sequence[list[tuple[str, str, Path]]], workers: int
) -> Iterator[list[ImageResult]]:
    """Yield the results of each part as they come, from so many processes."""
    if workers <= 1:
        if parts:
            networks = worker.Networks(task)
            yield from map(networks.classify, parts)
        return
    # Spawned and not forked: torch's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, worker.start, (task, theirs))
    waiting = iter(parts)
    pending: set[Future] = set()
    try:
        while True:
            while len(pending) < AHEAD * workers and (part := next(waiting, None)) is not None:
                pending.add(pool.submit(worker.classify, part))
            if not pending:
                break
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    except BrokenProcessPool as error:
        raise PointwiseError(
            "A process of the evaluation ended before its time, most likely for want of memory; run the "
            "command again with fewer --workers, what is done stays done."
        ) from error
    finally:
        # The processes end at once when the pipe closes, in the middle of an image if need be.
        ours.close()
        theirs.close()
        pool.shutdown(wait=True, cancel_futures=True)


def _check_pair(config: dict, quantised: object, checkpoint: Path, network: Path) -> None:
    """The integer network must have been made of a network of these dimensions."""
    if not isinstance(quantised, dict):
        raise PointwiseError(
            f"The integer network {network} does not say what it was made of; quantise the checkpoint again."
        )
    for name, value in config.items():
        if name in quantised and quantised[name] != value:
            raise PointwiseError(
                f"The integer network {network} has {name} {quantised[name]}, but the checkpoint "
                f"{checkpoint} has {value}; quantise this checkpoint."
            )
