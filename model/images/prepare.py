"""From an image file to what the network takes in."""

from __future__ import annotations

import errno
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from pointwise.hw.contract.errors import PointwiseError

from .preprocessing import INTERPOLATIONS, Preprocessing

MODES = {1: "L", 3: "RGB"}
"""Pillow's name for so many colours. Transparency is dropped, as torchvision's and timm's loaders do."""
MOST_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)
"""Of an image before and after it is resized, 179 million; Pillow reads no larger ones."""
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
"""Grey of 16 bits, which Pillow would clip to 255 instead of scaling."""
_NO_IMAGE = (None, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL)
"""Numbers of an OSError that say something about the file: it is not there, or it is damaged, of which Pillow
tells without a number, or which leads it to before the beginning (EINVAL). All others are the machine's."""


class UnreadableImageError(PointwiseError):
    """A file that is no image, a damaged one, or one that is not there."""


def prepare(path: str | Path, preprocessing: Preprocessing) -> np.ndarray:
    """Return the image in a file as the network takes it.

    Grey becomes three equal colours where the network has three, and colours become grey where it has one. An
    orientation in the file's metadata is not applied, as the networks were evaluated without it too.

    Returns:
        (colours, size, size) float32, normalised.

    Raises:
        UnreadableImageError: the file cannot be decoded to its end, or has pixels that are no colours.
        PointwiseError: the preprocessing is neither of one nor of three colours, or the machine fails (an
            I/O error, a missing permission, want of memory), which says nothing about the file.
    """
    image = resized(read(path, colours_of(preprocessing)), preprocessing.resize, preprocessing.interpolation)
    return normalised(cropped(image, preprocessing.size, preprocessing.crop_down), preprocessing)


def colours_of(preprocessing: Preprocessing) -> str:
    """Pillow's mode of the images that a network takes; raises PointwiseError unless they have 1 or 3."""
    colours = len(preprocessing.mean)
    if colours not in MODES:
        raise PointwiseError(
            f"Images of {colours} colours cannot be made from files; choose a network of 1 or 3."
        )
    return MODES[colours]


def normalised(image: Image.Image, preprocessing: Preprocessing) -> np.ndarray:
    """The pixels of a square image of the right size, (colours, size, size) float32, normalised."""
    size, tables = preprocessing.size, _tables(preprocessing)
    pixels = np.asarray(image).reshape(size, size, len(tables))
    return np.stack([table[pixels[:, :, colour]] for colour, table in enumerate(tables)])


def read(path: str | Path, mode: str) -> Image.Image:
    """Decode the first picture of a file, in Pillow's ``mode`` (L or RGB).

    Raises:
        UnreadableImageError: as ``prepare``.
    """
    try:
        with warnings.catch_warnings():
            # About odd metadata; what matters ends in an exception.
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                image.load()
                if image.mode in _DEEP:
                    deep = np.asarray(image).astype(np.int64)
                    if deep.min() < 0 or deep.max() > 65535:
                        raise ValueError("grey values beyond 16 bits")
                    image = Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
                elif image.mode == "F":
                    raise ValueError("floating-point pixels")
                return image.convert(mode)
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno not in _NO_IMAGE):
            why = error.strerror if isinstance(error, OSError) else "not enough memory"
            raise PointwiseError(
                f"The image {path} cannot be read, for a reason outside it ({why}); remove the reason, or "
                "leave the image out, and run it again."
            ) from error
        # Decoders raise almost anything for a damaged file, from SyntaxError to struct.error.
        raise UnreadableImageError(
            f"The image {path} cannot be read ({str(error) or type(error).__name__}); fetch it again."
        ) from error


def resized(image: Image.Image, resize: int | tuple[int, int] | None, interpolation: str) -> Image.Image:
    """Bring the shorter side to ``resize`` pixels, or height and width to a pair of them."""
    if resize is None:
        return image
    if isinstance(resize, int):
        short, long = sorted(image.size)
        # The longer side is cut off to whole pixels, as torchvision and transformers do.
        other = int(resize * long / short)
        height, width = (other, resize) if image.width <= image.height else (resize, other)
    else:
        height, width = resize
    if image.size == (width, height):
        return image
    if width * height > MOST_PIXELS:
        raise UnreadableImageError(
            f"An image of {image.width}×{image.height} pixels would have {width}×{height} when it is resized"
            ", too many; cut it, or leave it out."
        )
    return image.resize((width, height), INTERPOLATIONS.index(interpolation))


def cropped(image: Image.Image, size: int, down: bool) -> Image.Image:
    """Cut a square out of the middle; beyond a smaller image it is black. ``down`` as in `Preprocessing`."""
    left, top = (_start(side - size, down) for side in image.size)
    return image.crop((left, top, left + size, top + size))


def _start(excess: int, down: bool) -> int:
    """Where a crop starts that leaves out ``excess`` pixels, or adds them where it is negative."""
    if down:
        return excess // 2
    return round(excess / 2) if excess >= 0 else -(-excess // 2)


@lru_cache(maxsize=8)
def _tables(preprocessing: Preprocessing) -> tuple[np.ndarray, ...]:
    """For each colour what each of the 256 pixel values becomes, float32, rounded once."""
    pixels = np.arange(256) * preprocessing.scale
    normalisation = zip(preprocessing.mean, preprocessing.std, strict=True)
    return tuple(((pixels - mean) / std).astype(np.float32) for mean, std in normalisation)
