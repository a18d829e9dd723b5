"""Checkpoints: read and written as safetensors or as a torch `.pth`, and checked against a network.

A checkpoint of ours carries the description of its network (`DeiTConfig`), so that a file is enough
to run it. The DeiT authors' files do not; the network then has to be named.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from hw.contract.errors import PointwiseError
from hw.contract.files import replace_file
from model.networks import DeiTConfig, expected_shapes

METADATA_KEY = "pointwise"
"""The one key under which a checkpoint of ours carries JSON: its network and notes.

One key, because safetensors does not promise an order among several, and equal checkpoints are to
be equal files.
"""

MICRO_DIGITS = Path(__file__).parent / "checkpoints_data" / "micro_digits.safetensors"
"""The trained micro-DeiT for 8x8 digits that ships with the project (see `model.train`)."""

_NESTED_KEYS = ("model", "state_dict")
"""Where a `.pth` may hold its weights, in the order in which they are looked for."""


@dataclass(frozen=True)
class Checkpoint:
    """A network with its weights.

    Attributes:
        config: the network.
        state: its tensors by name, float32, finite, of the shapes `expected_shapes` gives.
        notes: what is worth knowing about the weights, such as the seed that they grew from;
            JSON values by name.
    """

    config: DeiTConfig
    state: dict[str, Tensor]
    notes: dict[str, Any] = field(default_factory=dict)


def load_checkpoint(path: str | Path, config: DeiTConfig | None = None) -> Checkpoint:
    """Read a checkpoint and check that it fits its network.

    Args:
        path: a `.safetensors` file, or a `.pth` or `.pt` file that holds the weights themselves,
            or under ``model`` (as the DeiT authors' files do) or ``state_dict``. A pickle is read
            with `weights_only`, so it cannot run code.
        config: the network that the weights must fit; may be left out if the file describes it.

    Raises:
        PointwiseError: the file is missing, damaged or of another kind; it describes another network
            than ``config``, or none when there is no ``config``; a tensor is missing, unknown, of
            another shape, not of a floating-point type, or not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise PointwiseError(f"There is no checkpoint file {path}; check the path.")
    state, description = _read(path)
    described = DeiTConfig.from_dict(description["config"]) if "config" in description else None
    if config is None:
        config = described
    if config is None:
        raise PointwiseError(f"The checkpoint {path} does not say which network it is for; name the network.")
    if described not in (None, config):
        raise PointwiseError(
            f"The checkpoint {path} is for another network: {_first_difference(described, config)}; "
            "leave the network out to use the one in the file, or choose another file."
        )
    return Checkpoint(config, check_state(state, config, str(path)), description.get("notes", {}))


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
    description = {"config": checkpoint.config.to_dict(), "notes": checkpoint.notes}
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
    _check_suffix(path)
    if not path.parent.is_dir():
        raise PointwiseError(
            f"The checkpoint {path} cannot be written: there is no folder {path.parent}; make it."
        )
    return path


def check_state(state: Mapping[str, Any], config: DeiTConfig, source: str) -> dict[str, Tensor]:
    """Return the tensors of ``state`` in float32 once they are known to fit ``config``.

    Args:
        state: tensors by name, of any floating-point type.
        source: what to call the checkpoint in a message, such as its path.

    Raises:
        PointwiseError: as `load_checkpoint`, naming the tensor.
    """
    expected = expected_shapes(config)
    if missing := [key for key in expected if key not in state]:
        raise PointwiseError(
            f"The checkpoint {source} lacks {missing[0]}{_and_more(missing)}, which the network needs; "
            "choose the network that the checkpoint was made for."
        )
    if unexpected := [key for key in state if key not in expected]:
        raise PointwiseError(
            f"The checkpoint {source} holds {unexpected[0]}{_and_more(unexpected)}, which the network does "
            "not have; choose the network that the checkpoint was made for."
        )
    checked = {}
    for key, shape in expected.items():
        tensor = state[key]
        if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
            kind = tensor.dtype if isinstance(tensor, Tensor) else type(tensor).__name__
            raise PointwiseError(
                f"In the checkpoint {source}, {key} is {kind}, but weights must be floating-point tensors; "
                "save the float network."
            )
        if tuple(tensor.shape) != shape:
            raise PointwiseError(
                f"In the checkpoint {source}, {key} has the shape {tuple(tensor.shape)}, but the network "
                f"expects {shape}; choose the network that the checkpoint was made for."
            )
        # Looked at after the conversion, because a float64 beyond the range of float32 becomes infinite.
        weights = tensor.detach().to(torch.float32)
        if bad := int((~torch.isfinite(weights)).sum()):
            raise PointwiseError(
                f"In the checkpoint {source}, {bad} of {weights.numel()} weights of {key} are not finite; "
                "train or fetch it again."
            )
        checked[key] = weights
    return checked


def _check_suffix(path: Path) -> None:
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise PointwiseError(
            f"The checkpoint {path} ends in {path.suffix or 'nothing'}, but only .safetensors, .pth and .pt "
            "are known; rename or convert it."
        )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tensors of a file and its description of itself, which may be empty."""
    _check_suffix(path)
    try:
        state, description = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    except PointwiseError:
        raise
    except Exception as error:
        # A damaged file makes the two libraries raise almost anything, from KeyError to struct.error.
        raise PointwiseError(
            f"The checkpoint {path} cannot be read as a {path.suffix} file of weights "
            f"({type(error).__name__}); fetch or save it again."
        ) from error
    for name in ("config", "notes"):
        if not isinstance(description, dict) or not isinstance(description.get(name, {}), dict):
            raise PointwiseError(
                f"The checkpoint {path} describes itself in a way that is not ours ({METADATA_KEY}.{name} "
                "is not a JSON object); fetch or save it again."
            )
    return state, description


def _read_safetensors(path: Path) -> tuple[dict[str, Any], Any]:
    with safetensors.safe_open(path, framework="pt") as file:
        # The handle gives no iterator, only keys().
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata() or {}
    return state, json.loads(metadata.get(METADATA_KEY, "{}"))


def _read_torch(path: Path) -> tuple[dict[str, Any], Any]:
    with warnings.catch_warnings():
        # About pickle protocols it does not expect; what matters ends in an exception or in check_state.
        warnings.simplefilter("ignore")
        content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict):
        raise PointwiseError(
            f"The checkpoint {path} holds a {type(content).__name__}, but tensors by name were expected; "
            "save the network's state_dict()."
        )
    description = content.get(METADATA_KEY, {})
    for key in _NESTED_KEYS:
        if isinstance(content.get(key), dict):
            return content[key], description
    return content, description


def _first_difference(described: DeiTConfig, asked: DeiTConfig) -> str:
    """Return words for the first field in which two networks differ."""
    theirs, ours = described.to_dict(), asked.to_dict()
    name = next(name for name in ours if theirs[name] != ours[name])
    return f"its {name} is {theirs[name]}, while {ours[name]} was asked for"


def _and_more(keys: list[str]) -> str:
    return f" and {len(keys) - 1} more" if len(keys) > 1 else ""
