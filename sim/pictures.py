"""Pictures of one's own: how a network wants them prepared, and who says so; reading them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.form import Form, FormError
from pointwise.model.checkpoints import Checkpoint
from pointwise.model.graph import Graph
from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.images.dataset import ImageSet
from pointwise.model.images.described import named
from pointwise.model.images.find import find_images
from pointwise.model.images.prepare import UnreadableImageError, prepare
from pointwise.model.images.preprocessing import Preprocessing

NOTE = "images"
"""Key of a network's ``info``, under which integers keep how the images were prepared that they were
calibrated on, and the names of the classes."""


class _Kept(Form):
    """What lies under that key."""

    preprocessing: dict[str, Any]
    guess: str | None
    class_names: list[str] | None = None


@dataclass(frozen=True)
class Preparation:
    """How pictures are prepared.

    Attributes:
        config: size, crop, filter, mean and deviation. origin: who says so, in a few words.
        guess: nobody did; ``origin`` is the reason for the choice.
    """

    preprocessing: Preprocessing
    origin: str
    guess: bool = False

    def __str__(self) -> str:
        said = f"a guess: {self.origin}; give --preprocess if you know" if self.guess else self.origin
        return f"images are prepared so: {self.preprocessing} ({said})"


@dataclass(frozen=True)
class Pictures:
    """What was read.

    Attributes:
        pixels: (B, colours, S, S) float32, normalised. names: of the files, in the same order.
        labels: (B,) int64, or None where nobody says or asks what they show.
        unreadable: names of files that are no images, or damaged.
    """

    pixels: np.ndarray
    names: tuple[str, ...]
    labels: np.ndarray | None
    unreadable: tuple[str, ...]


def preparation(
    asked_for: str | None, weights: Checkpoint | None = None, info: dict[str, Any] | None = None
) -> Preparation:
    """How pictures are prepared: as a person asked for, as integers were calibrated, or as a checkpoint says.

    Args:
        asked_for: see ``model.images.described.named``. weights: of the real network.
        info: of a network of integers. One of the two is given.

    Raises:
        PointwiseError: what is asked for or said cannot be used, or it gives other images than the network
            takes; or the integers are of a network that takes no pictures.
    """
    info = info or {}
    if asked_for is not None:
        preprocessing = named(asked_for, *_size(weights, info))
        return Preparation(preprocessing, "as --preprocess says")
    if (kept := _kept(info)) is not None:
        preprocessing = Preprocessing.from_dict(kept.preprocessing).made_for(
            *_size(weights, info), "What the integers say of their images"
        )
        said = "as those that the integers were calibrated on"
        return Preparation(preprocessing, kept.guess or said, kept.guess is not None)
    if weights is not None:
        guess = weights.guessed
        return Preparation(weights.prepared, guess or "as the checkpoint says", guess is not None)
    size, colours = _size(weights, info)
    raise PointwiseError(
        f"nobody says how images of {size}×{size} pixels and {colours} colours are prepared for these "
        "integers, which were not calibrated on images in files; give --preprocess, with authors, timm, "
        "timm_vit, plain or a preprocessor_config.json"
    )


def noted(network: Graph, prepared: Preparation, class_names: tuple[str, ...] | None) -> Graph:
    """Integers that keep how their images were prepared, and the names of their classes if there are any."""
    names = None if class_names is None else list(class_names)
    guess = prepared.origin if prepared.guess else None
    kept = {"preprocessing": prepared.preprocessing.to_dict(), "guess": guess, "class_names": names}
    # As a file gives it back: pairs become lists.
    return replace(network, info={**network.info, NOTE: json.loads(json.dumps(kept))})


def class_names(info: dict[str, Any]) -> tuple[str, ...] | None:
    """Names of the classes that integers keep, in the order of the logits."""
    kept = _kept(info)
    return None if kept is None or kept.class_names is None else tuple(kept.class_names)


def _kept(info: dict[str, Any]) -> _Kept | None:
    """What integers keep of their images, if anything; raises PointwiseError where it is damaged."""
    if NOTE not in info:
        return None
    try:
        return _Kept.of(info[NOTE])
    except FormError as error:
        raise PointwiseError(
            f"what the integers say of their images is damaged (it {error}); quantise the network again"
        ) from error


def read_pictures(
    path: Path,
    preprocessing: Preprocessing,
    count: int | None = None,
    *,
    labels: Callable[[ImageSet], np.ndarray | None] | None = None,
) -> Pictures:
    """Prepare the pictures of a folder or a list; those that cannot be read are left out.

    Args:
        path: see ``find_images``. count: as many, spread over all of them; all unless given.
        labels: what they show, where that is asked for: the method of ``ImageSet`` with a network's classes.

    Raises:
        PointwiseError: there are no images, none can be read, or their classes are not the network's.
    """
    chosen = find_images(path).first(count)
    shown = labels(chosen) if labels else None
    pixels, good, unreadable = [], [], []
    for index, file in enumerate(chosen.files):
        try:
            pixels.append(prepare(file.path, preprocessing))
            good.append(index)
        except UnreadableImageError as error:
            unreadable.append(file.name)
            if len(unreadable) == len(chosen):
                raise PointwiseError(str(error)) from error
    names = tuple(chosen.files[index].name for index in good)
    return Pictures(np.stack(pixels), names, None if shown is None else shown[good], tuple(unreadable))


def _size(weights: Checkpoint | None, info: dict[str, Any]) -> tuple[int, int]:
    """Pixels of a side, and colours, of the images that a network takes."""
    if weights is not None:
        return weights.config.image_size, weights.config.in_channels
    arrangement = info.get("arrangement")
    shape = Arrangement.from_dict(arrangement).shape if isinstance(arrangement, dict) else ()
    if len(shape) == 3 and shape[1] == shape[2]:
        return shape[1], shape[0]
    given = geometry(info)
    return given.image_size, given.in_channels


class Geometry(Form):
    """What ``info["input"]`` says of the images that a network takes.

    Attributes:
        patch: pixels of a patch's side. image_size: of the image's. in_channels: colours.
        scale, offset: of the integers of each colour: pixel = scale · integer + offset.
    """

    patch: Annotated[int, Field(ge=1)]
    image_size: Annotated[int, Field(ge=1)]
    in_channels: Annotated[int, Field(ge=1)]
    scale: list[float]
    offset: list[float]


def geometry(info: dict[str, Any]) -> Geometry:
    """The images that a network takes; raises PointwiseError where it takes none, or it is damaged."""
    if "input" not in info:
        raise PointwiseError(
            "this network takes no images; make its inputs in Python, with pointwise.compile and "
            "Compiled.pack_input"
        )
    try:
        return Geometry.of(info["input"])
    except FormError as error:
        raise PointwiseError(
            f"what the network says of its input is damaged (it {error}); quantise it again"
        ) from error
