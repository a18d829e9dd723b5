"""``Conv2d``: a convolution of a picture, whose pixels are tokens, with the requantisation of its sums."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointwise.model.integer.convolution import convolve
from pointwise.model.integer.requantise import requantise

from ..clamps import CLAMPS, clamped
from ..op import Numbers, Op
from ..value import FLOAT, LIMITS, Value
from ..window import PIXEL, Window, as_picture, as_tokens, check_window
from .linear import check_requantisation, check_weights

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Conv2d(Op):
    """y = x ∗ W + b over a window; in integers requantise(x ∗ W, bias, mult, shift).

    Attributes:
        window: kernel, stride, padding and the picture's size.
        groups: channels in and out are parts that are convolved with each other alone.
        weight: (N, K / groups, lines, taps), real, or int8.
        bias: (N,), real, or int32. mult, shift: (N,) uint16 and 1..47, see ``model.integer.requantise``.
        weight_bits: 8, 4 or 2, as in ``Linear``.
        pad: the integer that stands for 0 around the picture: the input's zero point.
        dtype: of the result: int8, uint8 or int16.
        clamp: of ``CLAMPS``, real: what is done to the result; in integers the clamp of the type does it.
    """

    window: Window = PIXEL
    groups: int = 1
    weight: Numbers = None
    bias: Numbers = None
    mult: Numbers = None
    shift: Numbers = None
    weight_bits: int = 8
    pad: int = 0
    dtype: str = "int8"
    clamp: str = ""

    ARRAYS: ClassVar[dict[str, type[np.number]]] = {
        "weight": np.int8,
        "bias": np.int32,
        "mult": np.uint16,
        "shift": np.uint8,
    }

    def infer(self, *inputs: Value) -> Value:
        (source,) = inputs
        self.needs(source, 0, "int8", "uint8")
        if (fault := check_window(self.window, source.tokens)) is not None:
            raise self.refused(fault)
        n = len(self.weight) if np.ndim(self.weight) == 4 else 0
        if not n or self.groups < 1 or n % self.groups or source.channels % self.groups:
            raise self.refused(
                f"has {n} channels out and {source.channels} in, which are no multiples of its {self.groups} "
                "groups"
            )
        self.needs_shape("weight", (n, source.channels // self.groups, *self.window.kernel))
        if self.clamp not in CLAMPS:
            raise self.refused(f"has the clamp {self.clamp!r}; choose one of {', '.join(map(repr, CLAMPS))}")
        if source.dtype == FLOAT:
            self.needs_shape("bias", (n,))
            return Value((self.window.out_tokens, n), FLOAT)
        self.needs_dtype(self.dtype, "int8", "uint8", "int16")
        if source.per_row:
            raise self.refused(f"convolves the exponentials {self.inputs[0]}; use MatMul")
        check_weights(self, self.weight_bits)
        if not LIMITS[source.dtype][0] <= self.pad <= LIMITS[source.dtype][1]:
            raise self.refused(f"has a pad of {self.pad}, which is no {source.dtype}")
        check_requantisation(self, n)
        return Value((self.window.out_tokens, n), self.dtype)

    def integer(self, *inputs: np.ndarray) -> np.ndarray:
        acc = self.sums(inputs[0])
        return requantise(acc, self.bias, self.mult, self.shift, LIMITS[self.dtype])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sums of products, (…, out_tokens, N) int64, of integers (…, tokens, K)."""
        n, each = self.weight.shape[:2]
        patches = self.window.patches(values, self.pad)
        if each == 1 and n == self.groups:
            # A channel at a time: no matrix product has use for so little.
            weight = self.weight[:, 0].astype(np.int64)
            return np.einsum("...ytc,cyt->...c", patches.astype(np.int64), weight)
        columns, rows = [], n // self.groups
        for group in range(self.groups):
            part = patches[..., group * each : (group + 1) * each]
            weight = self.weight[group * rows : (group + 1) * rows].transpose(0, 2, 3, 1)
            columns.append(convolve(part.reshape(*part.shape[:-3], -1), weight.reshape(rows, -1)))
        return np.concatenate(columns, axis=-1)

    def reference(self, *inputs: "Tensor") -> "Tensor":
        import torch
        from torch.nn import functional

        (source,) = inputs
        weight, bias = (torch.as_tensor(part, dtype=source.dtype) for part in (self.weight, self.bias))
        window, picture = self.window, as_picture(self.window, source)
        made = functional.conv2d(picture, weight, bias, window.stride, 0, window.dilation, self.groups)
        return clamped(self.clamp, as_tokens(made, source))

    def macs(self, *inputs: Value) -> int:
        return self.window.out_tokens * int(np.prod(self.weight.shape))
