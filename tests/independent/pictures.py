"""Random pictures: how a convolution goes over a picture with a kernel, and where that picture lies.

Some are what a compiler would ask for: a picture, a kernel that passes over it, padding around. Others have
strides, steps and places that have nothing to do with each other.
"""

from dataclasses import replace

import numpy as np

from tests.independent.reference import picture
from tests.independent.reference.core import Core
from tests.independent.reference.fields import Conv, Prologue, StationarySource

LARGE_KERNEL = 0.1
"""Part of the kernels with up to 16 by 16 taps; the others have up to 4 by 4."""
ANY_PLACE = 0.2
"""Part of the pictures without an order whose places and sizes are any that the fields hold."""


def draw_kernel(rng: np.random.Generator, conv: Conv) -> Conv:
    """Taps, where the convolution may have some."""
    if conv.stationary != StationarySource.STREAM or conv.prologue != Prologue.PLAIN:
        return conv
    most = 16 if rng.random() < LARGE_KERNEL else 4
    return replace(conv, extra_taps=int(rng.integers(most)), extra_lines=int(rng.integers(most)))


def draw_picture(rng: np.random.Generator, conv: Conv, free: int) -> Conv:
    """Tokens, at most `free`, their strides and those of the taps, and padding; all but the bases."""
    if conv.prologue == Prologue.PLAIN:
        conv = replace(conv, padded=int(rng.random() < 0.7), pad_value=int(rng.integers(256)))
    return (_orderly if rng.random() < 0.6 else _unorderly)(rng, conv, free)


def _axis(rng: np.random.Generator, extra: int, padded: int) -> tuple[int, int, int, int, int]:
    """A picture's extent, step, dilation, first place and the number of tokens along one axis."""
    size = int(rng.integers(1, 13))
    step = int(rng.choice([1, 1, 2, 3, 15]))
    dilation = int(rng.choice([1, 1, 2, 15]))
    reach = extra * dilation
    before, after = (int(rng.integers(0, reach + 2)) if padded else 0 for _ in range(2))
    if not padded:
        size += reach  # the kernel fits
    return size, step, dilation, -before, max(size + before + after - reach - 1, 0) // step + 1


def _orderly(rng: np.random.Generator, conv: Conv, free: int) -> Conv:
    """A kernel over a picture of pixels, with steps, dilation, and padding on every side."""
    width, step_x, dilation_x, first_x, columns = _axis(rng, conv.extra_taps, conv.padded)
    height, step_y, dilation_y, first_y, rows = _axis(rng, conv.extra_lines, conv.padded)
    columns = min(columns, free)
    rows = min(rows, free // columns)
    pixel = int(rng.integers(1, 4))
    line = width * pixel + int(rng.integers(0, 3))
    return replace(
        conv,
        tokens=columns * rows,
        row_tokens=0 if rows == 1 and rng.integers(2) else columns,
        in_token_stride=step_x * pixel,
        in_row_stride=step_y * line,
        in_tap_stride=dilation_x * pixel,
        in_tap_row_stride=dilation_y * line,
        **_places(conv, step_x, step_y, dilation_x, dilation_y, first_x, first_y, width, height),
    )


def _unorderly(rng: np.random.Generator, conv: Conv, free: int) -> Conv:
    """Strides, steps and places each for itself."""
    columns = int(rng.integers(1, min(free, 40) + 1))
    rows = int(rng.integers(1, min(free // columns, 12) + 1))
    steps = (int(value) for value in rng.integers(0, rng.choice([2, 4, 16]), 4))
    wide = rng.random() < ANY_PLACE
    first = rng.integers(-2048, 2048, 2) if wide else rng.integers(-20, 10, 2)
    extent = rng.choice([0, 1, 2047, *rng.integers(0, 2048, 4)], 2) if wide else rng.integers(0, 40, 2)
    return replace(
        conv,
        tokens=columns * rows,
        row_tokens=columns if rows > 1 else int(rng.choice([0, columns])),
        in_token_stride=int(rng.integers(0, 4)),
        in_row_stride=int(rng.integers(0, 30)),
        in_tap_stride=int(rng.integers(0, 5)),
        in_tap_row_stride=int(rng.integers(0, 20)),
        **_places(conv, *steps, *(int(value) for value in (*first, *extent))),
    )


def _places(conv: Conv, *values: int) -> dict[str, int]:
    """The fields of padding. Without `padded` nobody looks at them, and they are any."""
    step_x, step_y, dilation_x, dilation_y, first_x, first_y, width, height = values
    return {
        "step_x": step_x,
        "step_y": step_y,
        "dilation_x": dilation_x,
        "dilation_y": dilation_y,
        "first_x": first_x % picture.PLACES,
        "first_y": first_y % picture.PLACES,
        "in_width": width,
        "in_height": height,
    }


def place_picture(
    rng: np.random.Generator, conv: Conv, core: Core, window: tuple[int, int], tile_stride: int | None = None
) -> Conv | None:
    """Bases, and strides of words and N-tiles, with which all that is read lies in a window.

    Args:
        window: first word, and words.
        tile_stride: that of the words of channels, if it is given; the window is that of the first word.

    None where there is no room.
    """
    sizes, (start, room) = picture.Sizes.of(conv, core), window
    low, high = _extent(conv)
    room -= high - low + 1
    if room < 0:
        return None
    if tile_stride is not None:
        place = start + int(rng.integers(0, room + 1))
        return replace(conv, in_base=(place - low) % picture.ADDRESSES, in_tile_stride=tile_stride)
    steps = sizes.words - 1, sizes.tiles - 1
    tile = _stride(rng, room, steps[0])
    room -= tile * steps[0]
    group = max(1, core.cols // core.rows) * tile if conv.diagonal else 0  # that of a depthwise convolution
    if group * steps[1] > room or rng.integers(2):
        group = _stride(rng, room, steps[1])
    room -= group * steps[1]
    place = start + int(rng.integers(0, room + 1))
    return replace(
        conv, in_base=(place - low) % picture.ADDRESSES, in_tile_stride=tile, in_group_stride=group
    )


def _extent(conv: Conv) -> tuple[int, int]:
    """The lowest and the highest word that is read, counted from that of token 0 at tap 0."""
    (x, y), (u, v) = picture.pixels(conv), picture.kernel(conv)
    token = x * conv.in_token_stride + y * conv.in_row_stride
    words = token + (u * conv.in_tap_stride + v * conv.in_tap_row_stride)[:, None]
    found = words[picture.inside(conv)]
    return (int(found.min()), int(found.max())) if found.size else (0, 0)


def _stride(rng: np.random.Generator, room: int, steps: int) -> int:
    """Of so many steps in what room there is; often a small one."""
    most = min(room // steps if steps else room, (1 << 16) - 1)
    return int(rng.integers(0, min(most, 1 if rng.integers(4) == 0 else most) + 1))
