"""From a network of real numbers and what calibration saw of it to the network of integers.

Every decision follows from the place of an operator in the graph (``patterns``), none from its name; names
are those by which a recipe speaks of layers, and by which calibration keeps its statistics. What is decided
of a value is in ``plans``, what is made of a product in ``products`` and ``pictures``; here is the rest.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, Op, Quantisation
from pointwise.model.graph.ops import (
    Activation,
    Add,
    Concat,
    Constant,
    Conv2d,
    Input,
    LayerNorm,
    Linear,
    MatMul,
    MaxPool,
    MeanPool,
    Slice,
    Softmax,
)
from pointwise.model.graph.passes import fold_norms
from pointwise.model.graph.passes.fold_clamps import fold_clamps
from pointwise.model.integer.requantise import requantise
from pointwise.model.integer.rounding import INT16

from .attention_ops import softmax_op
from .patterns import sums_of_bytes
from .pictures import PicturePlans
from .plans import Plans
from .products import Products
from .recipe import Recipe
from .scales import norm_constants
from .statistics import Statistics
from .trained import TrainedQuantisation


def convert(
    graph: Graph,
    statistics: Statistics,
    recipe: Recipe,
    trained: TrainedQuantisation | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Graph:
    """The network of integers; ``info["groups"]`` tells of channels that are in groups.

    Args:
        graph: of real numbers. statistics: of it, with a recipe of the same range methods and granularity.
        recipe: how each layer is quantised.
        trained: what training has fixed. progress: called with (operators done, operators in all).

    Raises:
        PointwiseError: an operator stands where it cannot be quantised, a range is zero, or a factor or bias
            does not fit the hardware.
    """
    folded = fold_norms(fold_clamps(graph))
    return Conversion(Plans(folded, statistics, recipe, trained or TrainedQuantisation())).graph(progress)


def layer_names(graph: Graph) -> list[str]:
    """The names that a recipe's patterns are matched with, in the order of execution."""
    kinds, sums = Input | Linear | MatMul | LayerNorm | Conv2d | MeanPool, sums_of_bytes(graph)
    return list(dict.fromkeys(op.layer for op in graph.ops if isinstance(op, kinds) or op.name in sums))


class Conversion:
    """One conversion.

    Args:
        plans: of the network, whose channels are in groups already.
    """

    def __init__(self, plans: Plans) -> None:
        self.plans, self.real = plans, plans.real
        self.pictures = PicturePlans(self)
        self.products = Products(self)
        self.made: dict[str, Op] = {}
        self._converters = {
            Input: self._input,
            Constant: self._constant,
            Linear: self.products.linear,
            MatMul: self.products.matmul,
            LayerNorm: self._layer_norm,
            Softmax: self._softmax,
            Activation: self._activation,
            Add: self._add,
            Concat: self._concat,
            Slice: self._slice,
            Conv2d: self.pictures.conv2d,
            MaxPool: self.pictures.max_pool,
            MeanPool: self.pictures.mean_pool,
        }

    def graph(self, progress: Callable[[int, int], None] | None = None) -> Graph:
        """All operators, in their order; ``progress`` is called with (done, in all)."""
        for done, op in enumerate(self.real.ops, start=1):
            self.integers(op.name)
            if progress:
                progress(done, len(self.real))
        made = replace(self.real, ops=tuple(self.integers(op.name) for op in self.real.ops))
        if not self.plans.groups:
            return made
        told = {name: [part.tolist() for part in parts] for name, parts in self.plans.groups.items()}
        return replace(made, info=made.info | {"groups": told})

    def integers(self, name: str) -> Op:
        """The operator of that name in integers, made when it is asked for first."""
        if name not in self.made:
            op = self.real[name]
            if type(op) not in self._converters:
                raise op.refused("has no form in integers; the quantiser does not know it")
            self.made[name] = self._converters[type(op)](op)
        return self.made[name]

    def _input(self, op: Input) -> Input:
        return replace(op, dtype="int8", quantisation=self.plans.pixels)

    def _constant(self, op: Constant) -> Constant:
        """Rounded to its stream.

        Where a linear layer of the input is added, rows of zeros of the input add what its bias alone gives.
        It is taken out here, integer from integer, so that class tokens start exactly.
        """
        stream, start = self.plans.stream(op.name), op.values.copy()
        readers = self.real.readers[op.name]
        added = [name for reader in readers for name in reader.inputs if isinstance(reader, Add)]
        embed = next(filter(None, map(self._embedding, added)), None)
        rows = slice(0, self.real.input.zero_rows)
        if embed is not None:
            start[rows] += embed.bias
        rounded = np.floor(start / stream.scale + 0.5).astype(np.int64)
        if embed is not None:
            made = self.integers(embed.name)
            assert isinstance(made, Linear)
            zeros = np.zeros((1, len(made.bias)), np.int64)
            rounded[rows] -= requantise(zeros, made.bias, made.mult, made.shift, INT16)
        if rounded.min() < INT16[0] or rounded.max() > INT16[1]:
            raise PointwiseError(
                "The position embeddings or class tokens exceed twice the range of the residual stream; "
                "check the checkpoint."
            )
        return replace(op, values=rounded.astype(np.int16), quantisation=stream)

    def _embedding(self, name: str) -> Linear | None:
        """The linear layer of that name, if it reads the input."""
        op = self.real[name]
        return op if isinstance(op, Linear) and op.inputs[0] == self.real.input.name else None

    def _softmax(self, op: Softmax) -> Softmax:
        pattern, index, _ = self.plans.roles[op.name]
        return softmax_op(op, self.plans.attention(pattern).scores[index])

    def _layer_norm(self, op: LayerNorm) -> LayerNorm:
        plan, scale = self.plans.norm(op), self.plans.stream(op.inputs[0]).step
        channels = self.real.values[op.name].channels
        constants = norm_constants(channels, plan.step, scale, op.epsilon, op.name)
        return LayerNorm(
            op.name, op.inputs, constants, plan.shift, layer=op.layer, quantisation=Quantisation(plan.scale)
        )

    def _activation(self, op: Activation) -> Activation:
        plan = self.plans.table(op)
        scale = Quantisation(plan.scale, plan.zero_point)
        return replace(op, table=plan.table, dtype=plan.dtype, step=0.0, quantisation=scale)

    def _add(self, op: Add) -> Add:
        if op.name in self.pictures.sums:
            return self.pictures.add(op)
        return replace(op, quantisation=self.plans.stream(op.name))

    def _concat(self, op: Concat) -> Concat:
        if op.name in self.plans.groups:
            scale, zero = self.plans.grouped(op.name)
            return replace(op, quantisation=Quantisation(scale, 0, -scale * zero))
        if op.name not in self.plans.roles:
            raise op.refused(
                "puts values side by side that are no heads of an attention; that is not known yet"
            )
        plan = self.plans.attention(self.plans.roles[op.name][0])
        return replace(op, quantisation=Quantisation(plan.context_scale, 0, plan.context_centre))

    def _slice(self, op: Slice) -> Slice:
        return replace(op, quantisation=self.integers(op.inputs[0]).quantisation)
