"""Preprocessing as the files beside a checkpoint describe it: Hugging Face's preprocessor, timm's config."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field

from pointwise.hw.contract.errors import PointwiseError, shown
from pointwise.hw.contract.form import Form, FormError
from pointwise.hw.contract.form import read_json as read_object

from .preprocessing import FAMILIES, INTERPOLATIONS, Preprocessing

_HALF = (0.5, 0.5, 0.5)

Kind = TypeVar("Kind", bound=Form)
Size = Annotated[int, Field(ge=1)]
Sides = Size | dict[str, Size] | list[Size] | None
Colours = Annotated[list[float] | tuple[float, ...], Field(min_length=1)]


class _HuggingFace(Form):
    """What we need of a ``preprocessor_config.json``; null is as if it were not there."""

    model_config = ConfigDict(extra="ignore")

    image_processor_type: str | None = None
    feature_extractor_type: str | None = None
    do_resize: bool | None = None
    size: Sides = None
    resample: int | None = None
    do_center_crop: bool | None = None
    crop_size: Sides = None
    do_rescale: bool | None = None
    rescale_factor: float | None = None
    do_normalize: bool | None = None
    image_mean: Colours | None = None
    image_std: Colours | None = None


class _Timm(Form):
    """What we need of timm's ``pretrained_cfg``."""

    model_config = ConfigDict(extra="ignore")

    crop_mode: str | None = None
    input_size: Annotated[list[Size], Field(min_length=3, max_length=3)] = Field([3, 224, 224])
    crop_pct: Annotated[float, Field(gt=0)]
    interpolation: str = "bicubic"
    mean: Colours
    std: Colours


def from_huggingface(values: Mapping[str, Any], size: int, source: str) -> Preprocessing:
    """Read a ``preprocessor_config.json``; what it leaves out is as in the image processor that it names.

    Args:
        size: height and width that the network takes. source: the file, for messages.

    Raises:
        PointwiseError: it asks for something that is not known, or does not give images of that size.
    """
    found = _form(_HuggingFace, values, source)
    kind = found.image_processor_type or found.feature_extractor_type or ""
    deit = kind.startswith("DeiT")

    def given(name: str, default: Any) -> Any:
        value = getattr(found, name)
        return default if value is None else value

    resize: int | tuple[int, int] | None = None
    if given("do_resize", True):
        resize = _resize(given("size", 256 if deit else 224), source)
    if given("do_center_crop", deit):
        cut = _square(given("crop_size", 224), source)
    else:
        cut = resize[0] if isinstance(resize, tuple) and resize[0] == resize[1] else size
    rescaled, normalised = given("do_rescale", True), given("do_normalize", True)
    resample = given("resample", 3 if deit else 2)
    if resample not in range(len(INTERPOLATIONS)):
        raise PointwiseError(f"{source} asks for the interpolation {shown(resample)}, which is not Pillow's.")
    return _of_size(
        Preprocessing(
            cut,
            resize,
            interpolation=INTERPOLATIONS[resample],
            crop_down=True,
            scale=given("rescale_factor", 1 / 255) if rescaled else 1.0,
            mean=tuple(given("image_mean", _HALF)) if normalised else (0.0,) * 3,
            std=tuple(given("image_std", _HALF)) if normalised else (1.0,) * 3,
        ),
        size,
        source,
    )


def huggingface_default(model_type: str, size: int, colours: int) -> Preprocessing:
    """What the image processor of a model does where no file says otherwise, for images of another size."""
    resize = size * 8 // 7 if model_type == "deit" else size
    how = "bicubic" if model_type == "deit" else "bilinear"
    half = (0.5,) * colours
    return Preprocessing(size, (resize, resize), how, crop_down=True, mean=half, std=half)


def from_timm(values: Mapping[str, Any], size: int, source: str) -> Preprocessing:
    """Read the ``pretrained_cfg`` of a ``config.json`` of timm; arguments as in `from_huggingface`."""
    found = _form(_Timm, values, source)
    mode = found.crop_mode or "center"
    if mode not in ("center", "squash"):
        raise PointwiseError(
            f"{source} asks for the crop mode {shown(mode)}, but center and squash are known; "
            "name the preprocessing."
        )
    cut = _square(found.input_size[-2:], source)
    scaled = math.floor(cut / found.crop_pct)
    return _of_size(
        Preprocessing(
            cut,
            (scaled, scaled) if mode == "squash" else scaled,
            interpolation=found.interpolation,
            mean=tuple(found.mean),
            std=tuple(found.std),
        ),
        size,
        source,
    )


def named(name: str, size: int, colours: int) -> Preprocessing:
    """What a person asked for: a family by name, or a file of Hugging Face's or timm's.

    Raises:
        PointwiseError: no such family or file, or a file that cannot be used or is for other images.
    """
    if name in FAMILIES:
        return FAMILIES[name](size, colours)
    path = Path(name)
    if not path.is_file():
        raise PointwiseError(
            f"There is no preprocessing {name!r}; choose one of {', '.join(FAMILIES)}, or give a "
            "preprocessor_config.json."
        )
    values = read_json(path)
    reader, inside = from_huggingface, values
    if "pretrained_cfg" in values:
        reader, inside = from_timm, values["pretrained_cfg"]
    return reader(inside, size, str(path)).made_for(size, colours, str(path))


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        PointwiseError: it cannot be read or holds something else.
    """
    try:
        return read_object(path)
    except OSError as error:
        raise PointwiseError(f"The file {path} cannot be read ({error.strerror}); check the path.") from error
    except FormError as error:
        raise PointwiseError(f"The file {path} {error}; fetch it again.") from error


def _form(form: type[Kind], values: Any, source: str) -> Kind:
    try:
        return form.of(values)
    except FormError as error:
        raise PointwiseError(
            f"{source} describes the preprocessing in a way that is not known (it {error}); name the "
            "preprocessing."
        ) from error


def _resize(size: Any, source: str) -> int | tuple[int, int]:
    """Hugging Face's ``size``: one number stands for a square, ``shortest_edge`` keeps the proportions."""
    if isinstance(size, int):
        return size, size
    if set(size) == {"shortest_edge"}:
        return size["shortest_edge"]
    if set(size) == {"height", "width"}:
        return size["height"], size["width"]
    raise PointwiseError(
        f"{source} asks for the size {shown(size)}, which is not known; name the preprocessing."
    )


def _square(size: Any, source: str) -> int:
    """One side of a square, given in any of the ways that are usual."""
    sides = [size] if isinstance(size, int) else [*size.values()] if isinstance(size, dict) else list(size)
    if len(set(sides)) != 1:
        raise PointwiseError(f"{source} cuts images to {shown(size)}, but only squares are known.")
    return sides[0]


def _of_size(preprocessing: Preprocessing, size: int, source: str) -> Preprocessing:
    """How many colours the network takes is not known here."""
    return preprocessing.made_for(size, len(preprocessing.mean), source)
