"""Reading a checkpoint, in whatever layout it is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError, shown
from pointwise.model.networks import DeiTConfig

from .check import check_state
from .checkpoint import Checkpoint
from .dimensions import infer_config, with_head
from .files import read_source
from .layouts import Found, find_layout


def load_checkpoint(
    path: str | Path,
    config: DeiTConfig | None = None,
    *,
    heads: int | None = None,
    backbone: bool = False,
    ema: bool = False,
) -> Checkpoint:
    """Read a checkpoint of any layout of `model.checkpoints.layouts`, and check that it fits its network.

    Args:
        path: a `.safetensors` file, a `.pth` or `.pt` file that holds the weights themselves or under
            ``model`` (as the DeiT authors' files do) or ``state_dict``, or a folder of Hugging Face's or
            timm's. A pickle is read with `weights_only`, so it cannot run code.
        config: the network that the weights must fit; may be left out where file and shapes tell. LayerNorm's
            epsilon is the layout's in any case.
        heads: attention heads, where neither file nor ``config`` tells.
        backbone: the last layer will be replaced, so it may be missing: it is then zeros, for one class.
        ema: take the averaged weights that a pickle holds beside the trained ones.

    Raises:
        PointwiseError: the file is missing, damaged or of another kind; it is of another network than
            ``config``, or its heads are not known; a tensor is missing, unknown, of another shape, not of a
            floating-point type, or not finite.
    """
    source = read_source(path, ema)
    layout = find_layout(source)
    found: Found = layout.read(source)
    name = str(source.path)
    if backbone:
        found = dataclasses.replace(
            found, state=with_head(found.state), stated={**found.stated, "classes": None}
        )
    if found.config is not None:
        if config is not None and found.config != config:
            raise PointwiseError(_another(name, found.config, config))
        config = found.config
    elif config is not None:
        if found.heads not in (None, config.heads):
            raise PointwiseError(
                _another(name, dataclasses.replace(config, heads=found.heads, dim=config.dim), config)
            )
        config = dataclasses.replace(config, norm_eps=found.norm_eps)
    else:
        told = heads if found.heads is None else found.heads
        config = infer_config(found.state, told, found.norm_eps, name)
    if heads not in (None, config.heads):
        raise PointwiseError(
            f"The checkpoint {name} has {config.heads} heads, while {heads} were asked for; leave them out."
        )
    state = check_state(found.state, config, name)
    _check_stated(found, config, name)
    preprocessing, problem = None, None
    try:
        preprocessing = found.preprocessing(config) if found.preprocessing else None
    except PointwiseError as error:
        problem = str(error)
    names = found.class_names if found.class_names and len(found.class_names) == config.classes else None
    guessed = None if preprocessing is None else found.guessed
    return Checkpoint(config, state, found.notes, preprocessing, names, layout.NAME, problem, guessed)


def _check_stated(found: Found, config: DeiTConfig, source: str) -> None:
    """What the file beside the weights says of the dimensions must be what the weights have."""
    actual = {**config.to_dict(), "hidden": config.hidden}
    for name, value in found.stated.items():
        if value is not None and value != actual[name]:
            raise PointwiseError(
                f"The description beside the checkpoint {source} says {name} {shown(value)}, but its weights "
                f"have {actual[name]}; they do not belong together, so fetch both again."
            )


def _another(source: str, described: DeiTConfig, asked: DeiTConfig) -> str:
    """Words for the first field in which two networks differ."""
    theirs, ours = described.to_dict(), asked.to_dict()
    name = next(name for name in ours if theirs[name] != ours[name])
    return (
        f"The checkpoint {source} is for another network: its {name} is {theirs[name]}, while {ours[name]} "
        "was asked for; leave the network out to use the one in the file, or choose another file."
    )
