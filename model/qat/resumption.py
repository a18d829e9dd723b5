"""A training as it was after an epoch, in a file: what an interrupted one goes on from."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import replace_file


@dataclass
class TrainingState:
    """What an interrupted training goes on from."""

    epoch: int
    net: dict[str, Tensor]
    averaged: dict[str, Tensor]
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    best: dict[str, Tensor]
    best_accuracy: float


def save_state(path: Path, digest: str, state: TrainingState) -> None:
    buffer = io.BytesIO()
    torch.save({"digest": digest, **vars(state)}, buffer)
    replace_file(path, buffer.getvalue())


def load_state(path: Path, digest: str, device: torch.device) -> TrainingState | None:
    """What was kept, or None where nothing was."""
    if not path.exists():
        return None
    try:
        kept = torch.load(path, map_location=device, weights_only=True)
        found = kept.pop("digest")
        state = TrainingState(**kept)
    except Exception as error:  # pickles raise almost anything
        if isinstance(error, MemoryError | KeyboardInterrupt):
            raise
        raise PointwiseError(
            f"{path} does not hold a training ({type(error).__name__}); remove it"
        ) from error
    if found != digest:
        raise PointwiseError(
            f"{path} is of a training with other weights, images or options; remove it, or name another --out"
        )
    return state
