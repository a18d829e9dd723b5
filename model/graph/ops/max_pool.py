"""``MaxPool``: the largest value under a window, channel by channel."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..op import Op
from ..value import FLOAT, LIMITS, Value
from ..window import PIXEL, Window, as_picture, as_tokens, check_window

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class MaxPool(Op):
    """The maximum over a window; what lies around the picture is less than anything in it.

    In integers too, of the same scale: the least integer of the type lies around.

    Attributes:
        window: kernel, stride, padding and the picture's size.
        pad: the integer that lies around: the least of the type.
    """

    window: Window = PIXEL
    pad: int = LIMITS["int8"][0]

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        self.needs(source, 0, "int8", "uint8")
        if (fault := check_window(self.window, source.tokens)) is not None:
            raise self.refused(fault)
        top, left, bottom, right = self.window.padding
        if max(top, bottom) >= self.window.reach[0] or max(left, right) >= self.window.reach[1]:
            raise self.refused("has a padding as wide as its kernel; make it narrower")
        if source.dtype != FLOAT and self.pad != LIMITS[source.dtype][0]:
            raise self.refused(f"has a pad of {self.pad}, which is not the least {source.dtype}")
        return Value((self.window.out_tokens, source.channels), source.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        return self.window.patches(inputs[0], self.pad).max(axis=(-3, -2))

    def reference(self, *inputs: "Tensor") -> "Tensor":
        from torch.nn import functional

        window, picture = self.window, as_picture(self.window, inputs[0], -float("inf"))
        made = functional.max_pool2d(picture, window.kernel, window.stride, 0, window.dilation)
        return as_tokens(made, inputs[0])
