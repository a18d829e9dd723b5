"""Float and integer network on images in files: in parallel, and resumed where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import load_checkpoint
from pointwise.model.images.dataset import ImageSet
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.parallel import Executor, Job, Local, goes_on, stamp
from pointwise.model.quantise.io import load_network

from .arrays import TOKENS_AT_ONCE
from .both import BothNetworks, Task
from .results import ResultsFile, digest_of
from .tally import Tally, tally

LIMIT_S = 1800.0
"""After which some images are taken for hung."""


def evaluate_images(
    checkpoint: Path,
    network: Path,
    images: ImageSet,
    results: Path,
    *,
    heads: int | None = None,
    ema: bool = False,
    preprocessing: Preprocessing | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Tally:
    """Classify images with both networks and count.

    Every result is written to ``results`` as soon as it is there. A run that was interrupted, in whatever
    way, goes on where it was when it is started again, and ends with the same figures. Images that could not
    be read are tried again.

    Args:
        checkpoint: of the float network, in any layout. network: what ``pointwise quantise`` made of it.
        heads, ema: as in `load_checkpoint`. preprocessing: the checkpoint's unless given.
        executor: what does the work; this process unless given.
        progress: called with (images done, images in all), first with those of earlier runs.

    Raises:
        PointwiseError: a file does not fit another, no image at all can be read, or a process ended.
    """
    loaded, integers = load_checkpoint(checkpoint, heads=heads, ema=ema), load_network(network)
    _check_pair(loaded.config.to_dict(), integers.info.get("config"), checkpoint, network)
    labels = images.labels(loaded.config.classes, loaded.class_names)
    task = Task(checkpoint, heads, network, preprocessing or loaded.prepared, ema)
    keys = [(file.name, stamp(file.path)) for file in images.files]
    with ResultsFile(results, digest_of(loaded, network, task.preprocessing)) as file:
        missing = [
            (*key, image.path)
            for key, image in zip(keys, images.files, strict=True)
            if key not in file.done or file.done[key].error is not None
        ]
        done = len(keys) - len(missing)
        if progress:
            progress(done, len(keys))
        size = max(1, TOKENS_AT_ONCE // integers.input.shape[0])
        job = Job(
            "evaluate",
            partial(BothNetworks, task),
            file.digest,
            files=(checkpoint, network),
            part_files=_paths,
            limit=LIMIT_S,
        )
        parts = {str(start): missing[start : start + size] for start in range(0, len(missing), size)}
        with (
            goes_on(lambda: done, len(keys), "images", file.path),
            closing((executor or Local(1)).run(job, parts)) as results_of,
        ):
            for _, part in results_of:
                file.add(part)
                done += len(part)
                if progress:
                    progress(done, len(keys))
        found = [file.done[key] for key in keys]
    if all(result.error is not None for result in found):
        raise PointwiseError(
            f"None of the {len(found)} images of {images.root} can be read ({found[0].image}: "
            f"{found[0].error} …); give images that can."
        )
    return tally(found, labels)


def _paths(part: Sequence[tuple[str, str, Path]]) -> list[Path]:
    """The files of a part."""
    return [path for _, _, path in part]


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
