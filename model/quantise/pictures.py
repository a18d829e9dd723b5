"""Convolutional networks: bytes of one scale a picture, clamps for nothing, sums of two scales, pooling.

What is never negative (behind a ReLU) uses all 256 integers: −128 stands for 0. All else lies around 0, or
around the middle of each channel (``picture_scales``).
"""

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Op, Quantisation
from pointwise.model.graph.ops import Add, Conv2d, MaxPool, MeanPool
from pointwise.model.graph.value import LIMITS

from .moments import Moments
from .patterns import byte_sums
from .picture_scales import PictureScales
from .products import Result
from .scales import fixed_point
from .sum_plan import SumPlan, best_factor
from .weights import QuantisedRows, integer_bias, quantise_rows

if TYPE_CHECKING:
    from .convert import Conversion


class PicturePlans:
    """What is decided for the pictures of a network.

    Args:
        of: the conversion, whose operators these are.
    """

    def __init__(self, of: "Conversion") -> None:
        self.of, self.plans, self.real = of, of.plans, of.real
        self._sums: dict[str, SumPlan] = {}

    @cached_property
    def sums(self) -> dict[str, str]:
        """Sums of bytes, each with the product that is made for it."""
        return byte_sums(self.real)

    @cached_property
    def scales(self) -> PictureScales:
        """Of all pictures."""
        return PictureScales(self.plans, self.sums)

    def plan(self, add: Add) -> SumPlan:
        """How a sum of bytes is done."""
        if add.name not in self._sums:
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
            self._sums[add.name] = SumPlan(new, old, factor, shift, made, found)
        return self._sums[add.name]

    def result(self, op: Op) -> Result | None:
        """Of a product that is the new part of a sum; None of any other."""
        readers = self.real.readers[op.name]
        if len(readers) == 1 and self.sums.get(readers[0].name) == op.name:
            add = readers[0]
            assert isinstance(add, Add)
            return self._with_centre(self.plan(add).made, "int16")
        return None

    def bytes_of(self, name: str) -> Result:
        """Of a product whose result are bytes of the range that calibration saw."""
        return self._with_centre(self.scales[name], "int8")

    @staticmethod
    def _with_centre(found: Quantisation, dtype: str) -> Result:
        return found.scale, found.offset - found.zero_point * found.scale, dtype, found

    # Operators -------------------------------------------------------------------------------------------

    def conv2d(self, op: Conv2d) -> Conv2d:
        """A convolution, group by group."""
        source, real = self.of.products.source(op.inputs[0]), op.weight
        if source.centre is not None:
            raise op.refused("reads values whose zero is no integer; let a product make them")
        scale, centre, dtype, quantisation = self.of.products.result_of(op)
        n, each = real.shape[:2]
        taps, rows = int(np.prod(real.shape[2:])), n // op.groups
        scales = np.broadcast_to(source.scale, op.groups * each)
        bias = op.bias if centre is None else op.bias - centre
        steps, record = np.broadcast_to(scale, n), self.plans.statistics.windows.get(op.name)
        made: list[QuantisedRows] = []
        trained = self.plans.trained.weights.get(op.name)
        for group in range(op.groups):
            inside, out = slice(group * each, (group + 1) * each), slice(group * rows, (group + 1) * rows)
            each_step = np.repeat(scales[inside], taps)
            if record is None:
                parts = (source.moments.mean[inside], source.moments.power[inside])
                moments = Moments(*(np.repeat(part, taps) for part in parts))
            else:
                moments = record.moments(group, each_step)
            weight = real[out].reshape(rows, -1) * each_step
            made.append(
                quantise_rows(
                    weight,
                    bias[out],
                    steps[out],
                    op.name,
                    moments,
                    source.zero,
                    self.plans.recipe[op.layer],
                    None if trained is None else trained[out],
                )
            )
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
        given, value = self.of.integers(op.inputs[0]).quantisation, self.real.values[op.inputs[0]]
        count = value.tokens - op.first
        if op.name in self.plans.streams:
            scale, centre, dtype, made = self.of.products.result_of(op)
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
