"""Convolutional networks: bytes of one scale a picture, clamps for nothing, sums of two scales, pooling.

What is never negative (behind a ReLU) uses all 256 integers: −128 stands for 0. All else lies around 0, or
around the middle of each channel (``picture_scales``).
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Op, Quantisation
from pointwise.model.graph.ops import Activation, Add, Conv2d, MaxPool, MeanPool
from pointwise.model.graph.ops.add import FACTORS, SHIFTS
from pointwise.model.graph.value import LIMITS

from .moments import Moments
from .patterns import byte_sums
from .picture_scales import PictureScales
from .scales import fixed_point
from .weights import QuantisedRows, integer_bias, quantise_rows

if TYPE_CHECKING:
    from .convert import Conversion

Result = tuple[np.ndarray | float, np.ndarray | float | None, str, Quantisation]
"""Scale, what is subtracted before rounding, type and quantisation of a product's result."""


@dataclass(frozen=True)
class SumPlan:
    """An addition of bytes: clamp((new + factor · old) >> shift).

    Attributes:
        new, old: names of what is added. factor, shift: of ``add_scaled``. made: quantisation of new, which
            has beside its own value what makes of the middle of old that of the sum.
        quantisation: of the sum.
    """

    new: str
    old: str
    factor: int
    shift: int
    made: Quantisation
    quantisation: Quantisation


def best_factor(old: float, wanted: float) -> tuple[int, int, float]:
    """Factor and shift with which a sum of steps ``old`` gets the least step that is at least ``wanted``.

    Steps are old · 2^shift / factor; from one to the next is an eighth to a quarter.

    Raises:
        PointwiseError: the two are too far apart.
    """
    choices = (
        (old * 2**shift / factor, factor, shift)
        for shift in range(SHIFTS[0], SHIFTS[1] + 1)
        for factor in range(FACTORS[0], FACTORS[1] + 1)
    )
    # Of equal steps the finer sum.
    good = [(step, -shift, factor) for step, factor, shift in choices if step >= wanted * (1 - 1e-9)]
    if not good:
        raise PointwiseError(
            f"the sum needs steps of {wanted:.3g}, more than {1 << SHIFTS[1]} times those of what is added "
            f"to ({old:.3g}); check the weights"
        )
    step, shift, factor = min(good)
    return factor, -shift, step


class PicturePlans:
    """What is decided for the pictures of a network.

    Args:
        of: the conversion, whose operators these are.
    """

    def __init__(self, of: "Conversion") -> None:
        self.of = of
        self._plans: dict[str, SumPlan] = {}

    @cached_property
    def sums(self) -> dict[str, str]:
        """Sums of bytes, each with the product that is made for it."""
        return byte_sums(self.of.real)

    @cached_property
    def scales(self) -> PictureScales:
        """Of all pictures."""
        return PictureScales(self.of, self.sums)

    def plan(self, add: Add) -> SumPlan:
        """How a sum of bytes is done."""
        if add.name not in self._plans:
            new = self.sums[add.name]
            old = add.inputs[1] if add.inputs[0] == new else add.inputs[0]
            given, wanted = self.of.integers(old).quantisation, self.scales[add.name]
            try:
                factor, shift, step = best_factor(1.0, float(np.max(wanted.scale / given.scale)))
            except PointwiseError as error:
                raise add.refused(f"cannot be done: {error}") from error
            found = replace(wanted, scale=step * given.scale)
            fine, start = found.scale / 2**shift, (wanted.zero_point << shift) - factor * given.zero_point
            made = Quantisation(fine, start, found.offset - given.offset)
            self._plans[add.name] = SumPlan(new, old, factor, shift, made, found)
        return self._plans[add.name]

    def result(self, op: Op) -> Result | None:
        """Of a product that makes a picture, or a part of a sum; None where it does neither."""
        readers = self.of.real.readers[op.name]
        if len(readers) == 1 and self.sums.get(readers[0].name) == op.name:
            return self._with_centre(self.plan(readers[0]).made, "int16")
        looked_up = len(readers) == 1 and isinstance(readers[0], Activation)
        pictured = isinstance(op, Conv2d) or getattr(op, "clamp", "")
        read = any(isinstance(one, Conv2d | MaxPool | MeanPool) or one.name in self.sums for one in readers)
        if looked_up or not (pictured or read):
            return None
        return self.bytes_of(op.name)

    def bytes_of(self, name: str) -> Result:
        """Of a product whose result are bytes of the range that calibration saw."""
        return self._with_centre(self.scales[name], "int8")

    @staticmethod
    def _with_centre(found: Quantisation, dtype: str) -> Result:
        return found.scale, found.offset - found.zero_point * found.scale, dtype, found

    # Operators -------------------------------------------------------------------------------------------

    def conv2d(self, op: Conv2d) -> Conv2d:
        """A convolution, group by group."""
        source, real = self.of.source(op.inputs[0]), op.weight
        if source.centre is not None:
            raise op.refused("reads values whose zero is no integer; let a product make them")
        scale, centre, dtype, quantisation = self.of.result_of(op)
        n, each = real.shape[:2]
        taps, rows = int(np.prod(real.shape[2:])), n // op.groups
        scales = np.broadcast_to(source.scale, op.groups * each)
        bias = op.bias if centre is None else op.bias - centre
        steps, seen = np.broadcast_to(scale, n), self.of.seen.windows.get(op.name)
        made: list[QuantisedRows] = []
        for group in range(op.groups):
            inside, out = slice(group * each, (group + 1) * each), slice(group * rows, (group + 1) * rows)
            each_step = np.repeat(scales[inside], taps)
            if seen is None:
                parts = (source.moments.mean[inside], source.moments.power[inside])
                moments = Moments(*(np.repeat(part, taps) for part in parts))
            else:
                moments = seen.moments(group, each_step)
            weight = real[out].reshape(rows, -1) * each_step
            limits = (bias[out], steps[out], op.name, moments, source.zero, self.of.recipe[op.layer])
            made.append(quantise_rows(weight, *limits))
        parts = {
            name: np.concatenate([getattr(rows, name) for rows in made])
            for name in ("weight", "bias", "mult", "shift")
        }
        parts["weight"] = parts["weight"].reshape(real.shape)
        return replace(
            op,
            **parts,
            weight_bits=made[0].weight_bits,
            pad=source.zero,
            dtype=dtype,
            clamp="",
            quantisation=quantisation,
        )

    def max_pool(self, op: MaxPool) -> MaxPool:
        """Of the same scale as what it reads."""
        given = self.of.integers(op.inputs[0])
        pad = given.pad if isinstance(given, MaxPool) else LIMITS[getattr(given, "dtype", "int8")][0]
        return replace(op, pad=pad, quantisation=given.quantisation)

    def mean_pool(self, op: MeanPool) -> MeanPool:
        """A sum of bytes, brought to the scale of the mean."""
        given, value = self.of.integers(op.inputs[0]).quantisation, self.of.real.values[op.inputs[0]]
        count = value.tokens - op.first
        if op.name in self.of.streams:
            scale, centre, dtype, made = self.of.result_of(op)
        else:
            scale, centre, dtype, made = self._with_centre(self.scales[op.name], "int8")
        steps = np.broadcast_to(np.asarray(given.scale, np.float64) / count, value.channels)
        offset = np.broadcast_to(given.offset, value.channels) - (0.0 if centre is None else centre)
        mult, shift = fixed_point(steps / scale, op.name)
        bias = integer_bias(offset / steps - count * given.zero_point, op.name)
        return replace(op, bias=bias, mult=mult, shift=shift, dtype=dtype, quantisation=made)

    def add(self, op: Add) -> Add:
        """A sum of bytes."""
        plan = self.plan(op)
        return replace(
            op,
            inputs=(plan.new, plan.old),
            dtype="int8",
            factor=plan.factor,
            shift=plan.shift,
            clamp="",
            quantisation=plan.quantisation,
        )
