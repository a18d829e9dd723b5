"""What lies on disk: tensors by whatever names they have, and the descriptions beside them."""

from __future__ import annotations

import argparse
import json
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.images.described import read_json

from .checkpoint import METADATA_KEY
from .wrappings import AVERAGED, check_beginning, unwrapped, without_prefixes

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
"""In a folder of Hugging Face's: all weights, or which of several files holds which."""
CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"

SHARED = 4
"""How often, in the mean, the tensors of a pickle may hold a byte of the file; some share their weights."""
ARCHIVE = ".npz"
"""Ending of NumPy's archives, in which Google's Vision Transformers come."""
PICKLES = (".pth", ".pt", ".bin", ".ckpt", ".tar")
"""Endings of what torch.save wrote; ``.pth.tar`` is no archive."""


@dataclass(frozen=True)
class Source:
    """A checkpoint as it was found.

    Attributes:
        path: of the file, or of the folder.
        tensors: by name.
        description: what a file of ours says about itself; empty for others.
        config, preprocessor: the JSON beside safetensors, where it is there.
    """

    path: Path
    tensors: dict[str, Any]
    description: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] | None = None
    preprocessor: dict[str, Any] | None = None

    @property
    def is_pickle(self) -> bool:
        """Whether ``torch.save`` wrote it."""
        return self.path.suffix in PICKLES


def read_source(path: str | Path, ema: bool = False) -> Source:
    """Read a file, or a folder of Hugging Face's or timm's, without interpreting the names.

    A pickle is read with `weights_only`, so it cannot run code.

    Args:
        ema: take the averaged weights that a pickle holds beside the trained ones.

    Raises:
        PointwiseError: the file is missing, damaged or of another kind.
    """
    path = Path(path)
    if path.is_dir():
        if ema:
            raise _without_averages(path)
        return _read_folder(path)
    if not path.is_file():
        raise PointwiseError(f"There is no checkpoint file {path}; check the path.")
    check_suffix(path)
    check_beginning(path)
    if ema and path.suffix not in PICKLES:
        raise _without_averages(path)
    if path.suffix == ARCHIVE:
        return Source(path, _guarded(_read_numpy, path)[0])
    if path.suffix != ".safetensors":
        tensors, description = _described(path, *_guarded(partial(_read_torch, ema=ema), path))
        return Source(path, without_prefixes(tensors), description)
    tensors, description = _described(path, *_guarded(_read_safetensors, path))
    return Source(path, without_prefixes(tensors), description, *_beside(path.parent))


def check_suffix(path: Path, *, written: bool = False) -> None:
    """Raise PointwiseError unless the ending is that of a checkpoint that is read, or one that is written."""
    known = (".safetensors", *(() if written else (ARCHIVE,)), *PICKLES)
    if path.suffix not in known:
        raise PointwiseError(
            f"The checkpoint {path} ends in {path.suffix or 'nothing'}, but only {', '.join(known[:-1])} and "
            f".pth.tar are {'written' if written else 'known'}; rename or convert it."
        )


def _read_folder(folder: Path) -> Source:
    if (folder / WEIGHTS).is_file():
        files = [folder / WEIGHTS]
    elif (folder / INDEX).is_file():
        shards = read_json(folder / INDEX).get("weight_map")
        if not isinstance(shards, dict) or any(Path(str(name)).name != name for name in shards.values()):
            raise PointwiseError(
                f"{folder / INDEX} does not say which file of the folder holds which tensor; fetch it again."
            )
        files = [folder / name for name in sorted(set(shards.values()))]
    else:
        raise PointwiseError(
            f"The folder {folder} holds neither {WEIGHTS} nor {INDEX}; give a checkpoint file, or a folder "
            "that save_pretrained wrote."
        )
    tensors: dict[str, Any] = {}
    for file in files:
        if not file.is_file():
            raise PointwiseError(f"The folder {folder} lacks {file.name}, which {INDEX} names; fetch it.")
        tensors |= _guarded(_read_safetensors, file)[0]
    return Source(folder, tensors, {}, *_beside(folder))


def _beside(folder: Path) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The two descriptions in a folder, where they are there."""
    config, preprocessor = (
        read_json(folder / name) if (folder / name).is_file() else None for name in (CONFIG, PREPROCESSOR)
    )
    return config, preprocessor


def _guarded(read: Any, path: Path) -> tuple[dict[str, Any], Any]:
    try:
        return read(path)
    except PointwiseError:
        raise
    except Exception as error:
        if refused := re.search(r"Unsupported global: GLOBAL (\S+)", str(error)):
            raise PointwiseError(
                f"The checkpoint {path} cannot be read, as beside weights it holds a {refused[1]}, which "
                "could run code when it is loaded; save the network's state_dict() alone."
            ) from error
        # A damaged file makes the two libraries raise almost anything, from KeyError to struct.error.
        raise PointwiseError(
            f"The checkpoint {path} cannot be read as a {path.suffix} file of weights, so it is damaged or "
            "something else; fetch or save it again."
        ) from error


def _described(path: Path, tensors: dict[str, Any], description: Any) -> tuple[dict[str, Any], ...]:
    """Check that a description of ours is of the form that it was written in; returns both."""
    kinds = {"config": dict, "notes": dict, "preprocessing": dict, "class_names": list}
    for name, kind in kinds.items():
        if not isinstance(description, dict) or not isinstance(description.get(name, kind()), kind):
            raise PointwiseError(
                f"The checkpoint {path} describes itself in a way that is not ours ({METADATA_KEY}.{name} "
                f"is not a JSON {'array' if kind is list else 'object'}); fetch or save it again."
            )
    return tensors, description


def _read_safetensors(path: Path) -> tuple[dict[str, Any], Any]:
    with safetensors.safe_open(path, framework="pt") as file:
        # The handle gives no iterator, only keys().
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata() or {}
    return tensors, json.loads(metadata.get(METADATA_KEY, "{}"))


def _without_averages(path: Path) -> PointwiseError:
    return PointwiseError(
        f"The checkpoint {path} holds no averaged weights ({', '.join(AVERAGED)}), which were asked for; "
        "leave ema out."
    )


def _read_numpy(path: Path) -> tuple[dict[str, Any], Any]:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > SHARED * path.stat().st_size:
        raise PointwiseError(
            f"The checkpoint {path} has {unpacked:,} bytes packed into {path.stat().st_size:,}, which "
            "weights do not allow; fetch it again."
        )
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}, {}


def _read_torch(path: Path, ema: bool = False) -> tuple[dict[str, Any], Any]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            scripted = any(entry.filename.endswith("/constants.pkl") for entry in entries)
            # The code of a scripted module is packed, its weights are not.
            held = [entry for entry in entries if not (scripted and "/code/" in entry.filename)]
            unpacked, packed = sum(entry.file_size for entry in held), path.stat().st_size
        if unpacked > packed:
            raise PointwiseError(
                f"The checkpoint {path} has {unpacked:,} bytes packed into {packed:,}, which torch.save does "
                "not do; zip its contents without compression, or save it again."
            )
    if zipfile.is_zipfile(path) and scripted:
        if ema:
            raise _without_averages(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is deprecated, but people have such files
            tensors = dict(torch.jit.load(path, map_location="cpu").state_dict())
        _check_room(path, tensors)
        return tensors, {}
    # A Namespace holds the command line in what the authors' training script saves; making one runs nothing.
    with warnings.catch_warnings(), torch.serialization.safe_globals([argparse.Namespace]):
        # About pickle protocols it does not expect; what matters ends in an exception or in check_state.
        warnings.simplefilter("ignore")
        content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict):
        raise PointwiseError(
            f"The checkpoint {path} holds a {type(content).__name__}, but tensors by name were expected; "
            "save the network's state_dict()."
        )
    description = content.get(METADATA_KEY, {})
    if ema and not any(isinstance(content.get(key), Mapping) for key in AVERAGED):
        raise _without_averages(path)
    tensors = dict(unwrapped(content, ema))
    _check_room(path, tensors)
    return tensors, description


def _check_room(path: Path, tensors: dict[str, Any]) -> None:
    """Refuse weights that repeat a few bytes of the file, and would fill the memory as copies."""
    size = sum(one.numel() * one.element_size() for one in tensors.values() if isinstance(one, torch.Tensor))
    there = path.stat().st_size
    if size > SHARED * there:
        raise PointwiseError(
            f"The checkpoint {path} has {there:,} bytes, but its tensors take {size:,}, as they repeat what "
            "the file holds once; save copies of them."
        )
