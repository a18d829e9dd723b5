"""What is around the weights in other people's files: dictionaries of scripts, prefixes of wrappers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pointwise.hw.contract.errors import PointwiseError

AVERAGED = ("model_ema", "state_dict_ema")
"""Where a pickle may hold averages of its weights."""
NESTED = ("model", "state_dict", "model_state_dict", "net", "network", *AVERAGED)
"""Where a pickle may hold its weights, in the order in which they are looked for: averaged ones where there
are no others."""
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "encoder.")
"""In front of every name where a network was saved from inside another: of torch's DistributedDataParallel,
of torch.compile, of a Lightning module, or of somebody's own."""
BEGINNING = 512
"""Bytes that tell what a file is that is none of weights."""
LFS, HTML = b"version https://git-lfs", (b"<!doctype html", b"<html")


def unwrapped(content: Mapping[Any, Any], ema: bool = False) -> Mapping[Any, Any]:
    """Return the weights of a pickle's dictionary: what it holds under one of ``NESTED``, or itself.

    Args:
        ema: under one of ``AVERAGED``.
    """
    return next(
        (content[key] for key in (AVERAGED if ema else NESTED) if isinstance(content.get(key), Mapping)),
        content,
    )


def without_prefixes(tensors: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the tensors without the ``PREFIXES`` that all of their names begin with, in whatever order."""
    names = dict(tensors)
    while names and all(isinstance(name, str) for name in names):
        common = next((prefix for prefix in PREFIXES if all(name.startswith(prefix) for name in names)), None)
        if common is None:
            break
        names = {name.removeprefix(common): tensor for name, tensor in names.items()}
    return names


def check_beginning(path: Path) -> None:
    """Say what a file is that was taken for one of weights.

    Raises:
        PointwiseError: it is empty, a web page or the pointer that Git LFS leaves in place of a large file.
    """
    try:
        with path.open("rb") as file:
            start = file.read(BEGINNING)
    except OSError as error:
        raise PointwiseError(
            f"The checkpoint {path} cannot be read ({error.strerror}); check its permissions."
        ) from error
    if not start:
        raise PointwiseError(f"The checkpoint {path} is empty; fetch or save it again.")
    if start.startswith(LFS):
        raise PointwiseError(
            f"The checkpoint {path} is the pointer that Git LFS leaves in place of a large file, not the "
            "file; fetch it with git lfs pull."
        )
    if start.lstrip().lower().startswith(HTML):
        raise PointwiseError(
            f"The checkpoint {path} is a web page, not weights; the link led to a page about the file, so "
            "fetch the file itself."
        )
