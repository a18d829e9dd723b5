"""How a family of networks wants its images: resize, crop, normalisation.

Plain Python: a checkpoint's description holds it, and nothing here opens an image (`model.images.prepare`
does). timm's `create_transform` needs torchvision, and Hugging Face's processors all of transformers, which
users do not have; nor do they say which file cannot be read. The tests compare with the latter's pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pointwise.hw.contract.errors import PointwiseError, shown

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of the red, green and blue of ImageNet's pixels, of 1 from black to white."""

MOST_SIDE = 8192
"""Pixels of a side; no network takes a tenth of it."""
MOST_NUMBER = 1e30
"""What scale, mean and deviation are below, so that normalised pixels are numbers."""
INTERPOLATIONS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""By Pillow's number, which Hugging Face's files give."""


@dataclass(frozen=True)
class Preprocessing:
    """From a picture of any size to what the network takes in: (v · scale − mean) / std of a square cut out.

    Attributes:
        size: height and width of the result.
        resize: the shorter side is brought to that many pixels, or, as a pair, height and width to those;
            None leaves the picture as it is.
        interpolation: of the resize, one of `INTERPOLATIONS`.
        crop_down: an odd border of the centre crop is halved downwards (Hugging Face) instead of to the even
            number (torchvision).
        scale: of a pixel of 0 to 255.
        mean, std: one number for each colour.

    Raises:
        PointwiseError: a value with which no image can be prepared.
    """

    size: int
    resize: int | tuple[int, int] | None
    interpolation: str = "bicubic"
    crop_down: bool = False
    scale: float = 1 / 255
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD

    def __post_init__(self) -> None:
        resized = (
            self.resize if isinstance(self.resize, tuple) else () if self.resize is None else (self.resize,)
        )
        sides = (self.size, *resized)
        pair = not isinstance(self.resize, tuple) or len(self.resize) == 2
        whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
        if not pair or not whole or not 1 <= min(sides) <= max(sides) <= MOST_SIDE:
            raise PointwiseError(
                f"Images are to be resized to {shown(self.resize)} and cut to {shown(self.size)} pixels, but "
                f"sizes must be whole numbers of 1 to {MOST_SIDE:,}."
            )
        if self.interpolation not in INTERPOLATIONS:
            raise PointwiseError(
                f"Images are to be resized by {shown(self.interpolation)}; choose one of "
                f"{', '.join(INTERPOLATIONS)}."
            )
        if not isinstance(self.crop_down, bool):
            raise PointwiseError(f"crop_down of images is {shown(self.crop_down)}; give true or false.")
        if not isinstance(self.mean, tuple) or not isinstance(self.std, tuple):
            raise PointwiseError(
                f"Images are to be normalised by mean {shown(self.mean)} and standard deviation "
                f"{shown(self.std)}, but a list of numbers was expected."
            )
        numbers = (self.scale, *self.mean, *self.std)
        good = all(isinstance(number, int | float) and abs(number) < MOST_NUMBER for number in numbers)
        if not good or not len(self.mean) == len(self.std) > 0 or min(self.std) <= 0 or self.scale <= 0:
            raise PointwiseError(
                f"Images are to be normalised by scale {shown(self.scale)}, mean {shown(self.mean)} and "
                f"standard deviation {shown(self.std)}, but one number for each colour was expected, and no "
                "zero to divide by."
            )

    def __str__(self) -> str:
        """Words for people: "256 bicubic, centre 224, mean 0.5, deviation 0.5"."""
        sides = "×".join(map(str, self.resize)) if isinstance(self.resize, tuple) else self.resize
        how = f"{sides} {self.interpolation}, " if self.resize else ""
        scale = "" if math.isclose(self.scale, 1 / 255) else f", scale {self.scale:.6g}"
        normal = f"mean {_numbers(self.mean)}, deviation {_numbers(self.std)}"
        return f"{how}centre {self.size}{scale}, {normal}"

    def made_for(self, size: int, colours: int, source: str) -> Preprocessing:
        """Return the same, once it is known to give what a network takes.

        Args:
            size, colours: of the images that the network takes. source: whose preprocessing it is.

        Raises:
            PointwiseError: it gives images of another size or of other colours.
        """
        for given, taken, what in ((self.size, size, "pixels"), (len(self.mean), colours, "colours")):
            if given != taken:
                raise PointwiseError(
                    f"{source} gives images of {given} {what}, but the network takes {taken}; name the "
                    "preprocessing."
                )
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessing:
        """Build from what `to_dict` returned, also through JSON.

        Raises:
            PointwiseError: a field is missing, unknown or of another kind.
        """
        names = {field.name for field in fields(cls)}
        if wrong := sorted(names ^ set(values)):
            raise PointwiseError(
                f"The description of the preprocessing lacks or does not know {shown(wrong[0])}; save it "
                "again."
            )
        given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**given)


def _numbers(values: tuple[float, ...]) -> str:
    """Numbers of the colours, or one where they are all the same."""
    shown = [f"{value:.6g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else " ".join(shown)


def authors(size: int, colours: int = 3) -> Preprocessing:
    """The DeiT authors' evaluation: the short side to 256 for 224, bicubic; ImageNet's mean and deviation."""
    return Preprocessing(size, size * 8 // 7, **_normalisation(colours, IMAGENET_MEAN, IMAGENET_STD))


def timm(size: int, colours: int = 3) -> Preprocessing:
    """What timm does with most ViT and DeiT: a crop of 0.9, so that the short side is 248 for 224."""
    return Preprocessing(size, int(size / 0.9), **_normalisation(colours, IMAGENET_MEAN, IMAGENET_STD))


def timm_vit(size: int, colours: int = 3) -> Preprocessing:
    """The same for the ViT that Google trained: mean and deviation are 0.5."""
    return Preprocessing(size, int(size / 0.9), **_normalisation(colours))


def plain(size: int, colours: int = 3) -> Preprocessing:
    """The whole of a square image, with pixels from -1 to 1; what our own small networks are trained on."""
    return Preprocessing(size, size, **_normalisation(colours))


FAMILIES = {"authors": authors, "timm": timm, "timm_vit": timm_vit, "plain": plain}
"""By the name that a person gives."""


def _normalisation(
    colours: int, mean: tuple[float, ...] = (0.5,) * 3, std: tuple[float, ...] = (0.5,) * 3
) -> dict[str, Any]:
    """Mean and deviation of so many colours; only three of them have ImageNet's."""
    return {"mean": mean, "std": std} if colours == 3 else {"mean": (0.5,) * colours, "std": (0.5,) * colours}
