"""Checkpoints of ours on disk."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import replace_file

from .check import check_state
from .checkpoint import METADATA_KEY, Checkpoint
from .files import check_suffix


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; equal checkpoints give equal files, and no half-written file is ever seen.

    Args:
        path: ends in `.safetensors`, `.pth` or `.pt`. Its folder must exist.
        checkpoint: checked in the same way as one that is read.

    Raises:
        PointwiseError: the weights do not fit the network, the ending is another, or the file
            cannot be written.
    """
    path = check_destination(path)
    # In the order of the network, whatever the order in which a caller gathered them.
    state = check_state(checkpoint.state, checkpoint.config, "to be saved")
    description: dict[str, Any] = {"config": checkpoint.config.to_dict(), "notes": checkpoint.notes}
    if checkpoint.preprocessing is not None:
        description["preprocessing"] = checkpoint.preprocessing.to_dict()
    if checkpoint.class_names is not None:
        description["class_names"] = list(checkpoint.class_names)
    if path.suffix == ".safetensors":
        metadata = {METADATA_KEY: json.dumps(description, sort_keys=True)}
        data = safetensors.torch.save({key: value.contiguous() for key, value in state.items()}, metadata)
    else:
        buffer = io.BytesIO()
        torch.save({"model": state, METADATA_KEY: description}, buffer)
        data = buffer.getvalue()
    try:
        replace_file(path, data)
    except OSError as error:
        raise PointwiseError(
            f"The checkpoint {path} cannot be written ({error.strerror}); choose a folder that is writable."
        ) from error


def check_destination(path: str | Path) -> Path:
    """Return ``path`` if a checkpoint can go there, to be asked before hours of training rather than after.

    Raises:
        PointwiseError: its ending is not that of a checkpoint, or its folder does not exist.
    """
    path = Path(path)
    check_suffix(path, written=True)
    if not path.parent.is_dir():
        raise PointwiseError(
            f"The checkpoint {path} cannot be written: there is no folder {path.parent}; make it."
        )
    return path
