"""Products in integers: what they find in the values that they read, and of what scale their results are."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pointwise.model.graph import Op, Quantisation
from pointwise.model.graph.ops import Activation, Input, LayerNorm, Linear, MatMul, Slice

from .attention_ops import context_op, scores_op
from .inputs import ROWS
from .moments import Moments
from .weights import quantise_rows

if TYPE_CHECKING:
    from .convert import Conversion

Result = tuple[np.ndarray | float, np.ndarray | float | None, str, Quantisation]
"""Scale, what is subtracted before rounding, type and quantisation of a product's result."""


@dataclass(frozen=True)
class Source:
    """What a product with weights takes in: real = scale · (integer − zero) + centre.

    Attributes:
        scale, centre, zero: one or (K,); centre None for 0.
        moments: of the integers without their zero point.
    """

    scale: np.ndarray | float
    moments: Moments
    centre: np.ndarray | None = None
    zero: int | np.ndarray = 0


class Products:
    """Linear layers, and the products of attention.

    Args:
        of: the conversion, whose operators these are.
    """

    def __init__(self, of: "Conversion") -> None:
        self.of, self.plans, self.real = of, of.plans, of.real

    def source(self, name: str) -> Source:
        """What a product with weights finds in a value."""
        op, plans = self.real[name], self.plans
        if isinstance(op, Slice):
            return self.source(op.inputs[0])
        if isinstance(op, LayerNorm):
            plan = plans.norm(op)
            return Source(plan.scale, plan.moments)
        if isinstance(op, Input):
            scale, offset = plans.pixels.scale, plans.pixels.offset
            return Source(scale, plans.statistics[ROWS].moments(scale, offset), np.asarray(offset))
        if isinstance(op, Activation):
            table = plans.table(op)
            return Source(table.scale, plans.statistics[name].moments(table.scale), None, table.zero_point)
        if name in plans.groups:
            scale, zero = plans.grouped(name)
            order = np.concatenate(plans.groups[name])
            moments = plans.statistics[name].moments(scale[np.argsort(order)]).reordered(order)
            return Source(scale, moments, None, zero)
        if name in plans.roles:
            pattern, _, _ = plans.roles[name]
            plan = plans.attention(pattern)
            return Source(plan.context_scale, plan.context_moments, plan.context_centre)
        if name in plans.streams:
            raise op.refused("is of 16 bits, which a linear layer reads through a LayerNorm only")
        found = self.of.integers(name).quantisation
        centre = np.asarray(found.offset) if np.any(found.offset) else None
        moments = plans.statistics[name].moments(found.scale, found.offset)
        return Source(found.scale, moments, centre, found.zero_point)

    def result_of(self, op: Op) -> Result:
        """Of a product with weights."""
        plans = self.plans
        if op.name in plans.streams:
            stream = plans.stream(op.name)
            return stream.scale, None, "int16", stream
        if (found := self.of.pictures.result(op)) is not None:
            return found
        readers = self.real.readers[op.name]
        if len(readers) == 1 and isinstance(readers[0], Activation):
            table = plans.table(readers[0])
            scale, centre = table.index_scale, table.index_centre
            return scale, centre, "int8", Quantisation(scale, 0, centre)
        if op.name in plans.roles:
            pattern, index, part = plans.roles[op.name]
            plan, rows = plans.attention(pattern), pattern.channels[index]
            scores = plan.scores[index]
            scale, centre = {
                "q": (scores.q_scale, 0.0),
                "k": (scores.k_scale, scores.k_centre),
                "v": (plan.v_scale[rows], plan.v_centre[rows]),
            }[part]
            offset = np.broadcast_to(centre, scale.shape).astype(np.float64)
            return scale, centre, "int8", Quantisation(scale, 0, offset)
        return self.of.pictures.bytes_of(op.name)

    def linear(self, op: Linear) -> Linear:
        """A linear layer."""
        source = self.source(op.inputs[0])
        scale, centre, dtype, quantisation = self.result_of(op)
        bias = op.bias if source.centre is None else op.bias + op.weight @ source.centre
        rows = quantise_rows(
            op.weight * source.scale,
            bias if centre is None else bias - centre,
            scale,
            op.name,
            source.moments,
            source.zero,
            self.plans.recipe[op.layer],
            self.plans.trained.weights.get(op.name),
        )
        return replace(op, **vars(rows), dtype=dtype, clamp="", quantisation=quantisation)

    def matmul(self, op: MatMul) -> MatMul:
        """Scores or context of an attention."""
        if op.name not in self.plans.roles:
            raise op.refused(
                "is no part of attention, where alone the quantiser knows products of two values"
            )
        pattern, index, part = self.plans.roles[op.name]
        plan = self.plans.attention(pattern)
        if part == "scores":
            tokens = self.real.values[op.name].channels
            return scores_op(op, plan.scores[index], tokens)
        return context_op(op, plan, pattern.channels[index])
