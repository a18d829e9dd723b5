"""``Window``: how a kernel goes over a picture, whose pixels are the tokens of a value, row by row."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Window:
    """A kernel over a picture.

    Attributes:
        size: height and width of the picture.
        kernel: lines and taps of a line. stride, dilation: down and to the right.
        padding: rows above, columns to the left, rows below, columns to the right.
    """

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    @cached_property
    def reach(self) -> tuple[int, int]:
        """Height and width that the kernel covers, its gaps included."""
        height, width = ((n - 1) * apart + 1 for n, apart in zip(self.kernel, self.dilation, strict=True))
        return height, width

    @cached_property
    def out_size(self) -> tuple[int, int]:
        """Height and width of the result."""
        around = (self.padding[0] + self.padding[2], self.padding[1] + self.padding[3])
        parts = zip(self.size, around, self.reach, self.stride, strict=True)
        height, width = ((size + pad - reach) // step + 1 for size, pad, reach, step in parts)
        return height, width

    @property
    def tokens(self) -> int:
        """Pixels of the picture."""
        return self.size[0] * self.size[1]

    @property
    def out_tokens(self) -> int:
        """Pixels of the result."""
        return self.out_size[0] * self.out_size[1]

    @property
    def padded(self) -> bool:
        """Whether the kernel goes beyond the picture."""
        return any(self.padding)

    def fault(self) -> str | None:
        """What is wrong with it, in words that follow the name of an operator; None where nothing is."""
        if min(*self.size, *self.kernel) < 1:
            return f"has a kernel of {_by(self.kernel)} over {_by(self.size)} pixels; give at least 1 by 1"
        if min(*self.stride, *self.dilation) < 1:
            return f"has a stride of {_by(self.stride)}, a dilation of {_by(self.dilation)}; give at least 1"
        if min(self.padding) < 0:
            return f"has a padding of {self.padding}; give at least 0 on each side"
        if min(self.out_size) < 1:
            return (
                f"has a kernel that covers {_by(self.reach)} pixels, but the picture has {_by(self.size)} "
                f"with {self.padding} around it; use a larger image"
            )
        return None

    def rows(self, first: int, count: int) -> tuple[int, int]:
        """First row and number of rows of the picture that some rows of the result need, one at least."""
        top = first * self.stride[0] - self.padding[0]
        end = top + (count - 1) * self.stride[0] + self.reach[0]
        top, end = min(max(0, top), self.size[0] - 1), min(self.size[0], end)
        return top, max(1, end - top)

    def patches(self, values: np.ndarray, pad: int | float) -> np.ndarray:
        """The pixels under the kernel, (…, out_tokens, lines, taps, channels) of (…, tokens, channels)."""
        height, width = self.size
        picture = np.asarray(values).reshape(*values.shape[:-2], height, width, values.shape[-1])
        top, left, bottom, right = self.padding
        around = [(0, 0)] * (picture.ndim - 3) + [(top, bottom), (left, right), (0, 0)]
        picture = np.pad(picture, around, constant_values=pad)
        view = np.lib.stride_tricks.sliding_window_view(picture, self.reach, axis=(-3, -2))
        out = self.out_size
        view = view[..., :: self.stride[0], :: self.stride[1], :, :: self.dilation[0], :: self.dilation[1]]
        view = view[..., : out[0], : out[1], :, :, :]
        moved = np.moveaxis(view, -3, -1)
        return moved.reshape(*values.shape[:-2], self.out_tokens, *self.kernel, values.shape[-1])


def as_picture(window: Window, values: "Tensor", pad: float = 0.0) -> "Tensor":
    """Real values (…, tokens, channels) as torch has pictures, (images, channels, height, width).

    Args:
        window: tells the picture's size, and how much of ``pad`` lies around it.
    """
    from torch.nn import functional

    top, left, bottom, right = window.padding
    picture = values.transpose(-1, -2).reshape(-1, values.shape[-1], *window.size)
    return functional.pad(picture, (left, right, top, bottom), value=pad)


def as_tokens(picture: "Tensor", like: "Tensor") -> "Tensor":
    """The way back: (…, tokens, channels), with the leading axes of other values."""
    return picture.flatten(-2).transpose(-1, -2).reshape(*like.shape[:-2], -1, picture.shape[1])


def _by(pair: tuple[int, int]) -> str:
    return f"{pair[0]} by {pair[1]}"


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """Both numbers, of one or of two."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def around(value: int | tuple[int, int]) -> tuple[int, int, int, int]:
    """Padding on four sides, of one number or of (above and below, left and right)."""
    down, right = pair(value)
    return (down, right, down, right)


def same_padding(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int, int, int]:
    """TensorFlow's "SAME": ⌈size / stride⌉ pixels come out; an odd row and column are below and right."""
    total = [
        max(0, (-(-length // step) - 1) * step + (taps - 1) * apart + 1 - length)
        for length, taps, step, apart in zip(size, kernel, stride, dilation, strict=True)
    ]
    before = [pad // 2 for pad in total]
    return (before[0], before[1], total[0] - before[0], total[1] - before[1])


PIXEL = Window((1, 1), (1, 1))
"""Of one pixel over one."""


MOST_TAPS = 16
"""Of a kernel the core has, down and to the right."""


def check_window(window: Window, tokens: int) -> str | None:
    """What is wrong with a window of the core over a value of so many tokens; None where nothing is."""
    fault = window.fault()
    if fault is None and max(window.kernel) > MOST_TAPS:
        most = _by((MOST_TAPS, MOST_TAPS))
        return f"has a kernel of {_by(window.kernel)}, but the core's have at most {most}; use smaller ones"
    if fault is None and window.tokens != tokens:
        return f"goes over a picture of {_by(window.size)} pixels, but was given {tokens} tokens"
    return fault
