"""From a network of real numbers and what calibration saw of it to the network of integers.

Every decision follows from the place of an operator in the graph (``patterns``), none from its name; names
are those by which a recipe speaks of layers, and by which calibration keeps its records.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

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
from pointwise.model.graph.passes.fold_norms import readers_by_token
from pointwise.model.integer.requantise import requantise
from pointwise.model.integer.rounding import INT16

from .activation_plan import TablePlan, plan_activation
from .attention_ops import context_op, scores_op, softmax_op
from .attention_plan import AttentionPlan, plan_attention
from .channel_groups import Groups, allowed, choose_groups, divided, divisible
from .inputs import PIXELS, ROWS, pixel_scales
from .moments import Moments
from .norm import NormPlan, plan_norm
from .patterns import AttentionPattern, attentions, streams
from .pictures import PicturePlans
from .recipe import Recipe
from .records import Observations
from .rounding import REMAINING
from .scales import norm_constants
from .trained import WeightGrid
from .weights import quantise_rows

RESIDUAL_HEADROOM = 0.25
"""By which part a residual stream may leave its range on a few images: 16 bits have the room for it."""
OUTPUT_HEADROOM = 1.0
"""The same for the network's result, on any number; what is added up there was recorded part by part."""


def convert(
    graph: Graph,
    seen: Observations,
    recipe: Recipe,
    grids: Mapping[str, WeightGrid] | None = None,
    steps: Mapping[str, float] | None = None,
) -> Graph:
    """The network of integers.

    Args:
        graph: of real numbers. seen: of it, with a recipe of the same range methods and granularity.
        recipe: how each layer is quantised.
        grids, steps: what training has fixed: of weights by operator, of activations by record.

    Raises:
        PointwiseError: an operator stands where it cannot be quantised, a range is zero, or a factor or bias
            does not fit the hardware.
    """
    return Conversion(fold_norms(fold_clamps(graph)), seen, recipe, grids or {}, steps or {}).graph()


def layer_names(graph: Graph) -> list[str]:
    """The names that a recipe's patterns are matched with, in the order of execution."""
    kinds = Input | Linear | MatMul | LayerNorm | Conv2d | MeanPool
    return list(dict.fromkeys(op.layer for op in graph.ops if isinstance(op, kinds)))


@dataclass(frozen=True)
class _Source:
    """What a linear layer takes in: real = scale · (integer − zero) + centre.

    Attributes:
        scale, centre, zero: one or (K,); centre None for 0.
        moments: of the integers without their zero point.
    """

    scale: np.ndarray | float
    moments: Moments
    centre: np.ndarray | None = None
    zero: int | np.ndarray = 0


class Conversion:
    """One conversion; ``graph`` has its LayerNorms folded."""

    def __init__(
        self,
        graph: Graph,
        seen: Observations,
        recipe: Recipe,
        grids: Mapping[str, WeightGrid],
        steps: Mapping[str, float],
    ) -> None:
        self.seen, self.recipe, self.grids, self.steps = seen, recipe, grids, steps
        self.groups = self._chosen(graph)
        self.parts = {
            f"{name}.{index}": (name, channels)
            for name, parts in self.groups.items()
            for index, channels in enumerate(parts)
        }
        self.real = divided(graph, self.groups)
        self.streams = streams(graph)
        self.pictures = PicturePlans(self)
        self.attentions = attentions(graph)
        self.made: dict[str, Op] = {}
        self.norms: dict[str, NormPlan] = {}
        self.tables: dict[str, TablePlan] = {}
        self.plans: dict[str, AttentionPlan] = {}
        self.roles: dict[str, tuple[AttentionPattern, int, str]] = {}
        for pattern in self.attentions:
            for index, head in enumerate(pattern.heads):
                for part, op in vars(head).items():
                    self.roles[op.name] = (pattern, index, part)
            self.roles[pattern.joined.name] = self.roles.get(pattern.joined.name, (pattern, 0, "joined"))
        self._converters = {
            Input: self._input,
            Constant: self._constant,
            Linear: self._linear,
            MatMul: self._matmul,
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

    def graph(self) -> Graph:
        """All operators, in their order; ``info["groups"]`` tells of channels that are in groups."""
        made = replace(self.real, ops=tuple(self.integers(op.name) for op in self.real.ops))
        if not self.groups:
            return made
        told = {name: [part.tolist() for part in parts] for name, parts in self.groups.items()}
        return replace(made, info=made.info | {"groups": told})

    def _chosen(self, graph: Graph) -> Groups:
        """Groups of hidden channels, where the recipe lets them differ and training has fixed nothing."""
        chosen = {}
        for op in divisible(graph):
            readers = graph.readers[op.name]
            trained = {op.name, op.inputs[0], *(reader.name for reader in readers)}
            if (
                self.recipe[graph[op.inputs[0]].layer].granularity == "tensor"
                or op.name not in self.seen.reach
            ):
                continue
            if trained & (self.steps.keys() | self.grids.keys()):
                continue
            importance = sum((reader.weight**2).sum(axis=0) for reader in readers)
            groups = choose_groups(allowed(self.seen, op.name), importance)
            if len(groups) > 1:
                chosen[op.name] = groups
        return chosen

    def integers(self, name: str) -> Op:
        """The operator of that name in integers, made when it is asked for first."""
        if name not in self.made:
            op = self.real[name]
            if type(op) not in self._converters:
                raise op.refused("has no form in integers; the quantiser does not know it")
            self.made[name] = self._converters[type(op)](op)
        return self.made[name]

    # What is decided for a value -------------------------------------------------------------------------

    @cached_property
    def pixels(self) -> Quantisation:
        """Of the network's input, for each of its channels."""
        found, channels = pixel_scales(self.seen[PIXELS], self.seen.grids), self.real.input.shape[1]
        per_channel = (np.repeat(part, channels // len(part)) for part in (found.scale, found.offset))
        return Quantisation(*(next(per_channel), 0), next(per_channel))

    def stream(self, name: str) -> Quantisation:
        """Of a value of 16 bits."""
        leader = self.streams[name]
        result = self.streams.get(self.real.output) == leader
        headroom = OUTPUT_HEADROOM if result else self.seen.margin(RESIDUAL_HEADROOM)
        return Quantisation(float(self.seen[leader].largest()[0]) * (1 + headroom) / INT16[1])

    def norm(self, op: LayerNorm) -> NormPlan:
        """Step and channel shifts of a LayerNorm, chosen with the weights that read it in mind."""
        if op.name not in self.norms:
            readers = [
                reader for reader in readers_by_token(self.real, op.name) if isinstance(reader, Linear)
            ]
            if not readers:
                raise op.refused("is read by no linear layer, whose weights would tell its step")
            layers = list(dict.fromkeys(reader.layer for reader in readers))
            readers.sort(key=lambda reader: layers.index(reader.layer))
            remaining = max(REMAINING.get(self.recipe[layer].rounding, 1.0) for layer in layers)
            weights = [reader.weight for reader in readers]
            step = self.steps.get(op.name)
            self.norms[op.name] = plan_norm(
                self.seen[op.name], weights, self.recipe[op.layer], step, remaining
            )
        return self.norms[op.name]

    def table(self, op: Activation) -> TablePlan:
        """Index and result of an activation."""
        if op.name not in self.tables:
            how = self.recipe[self.real[op.inputs[0]].layer]
            part = self.parts.get(op.name, ("", None))
            plan = plan_activation(op, self.seen, how, self.steps.get(op.name), *part)
            self.tables[op.name] = plan.signed() if self._held(op.name) else plan
        return self.tables[op.name]

    def _held(self, name: str) -> bool:
        """Whether the array holds a value still, as it does for a mean: its bytes have a sign."""
        readers = self.real.readers[name]
        return any(
            isinstance(reader, MeanPool) or (isinstance(reader, MaxPool) and self._held(reader.name))
            for reader in readers
        )

    def attention(self, pattern: AttentionPattern) -> AttentionPlan:
        """All scales of an attention."""
        name = pattern.joined.name
        if name not in self.plans:
            self.plans[name] = plan_attention(pattern, self.seen, self.recipe, self.steps.get(name))
        return self.plans[name]

    def source(self, name: str) -> _Source:
        """What a linear layer finds in a value that it reads."""
        op = self.real[name]
        if isinstance(op, Slice):
            return self.source(op.inputs[0])
        if isinstance(op, LayerNorm):
            plan = self.norm(op)
            return _Source(plan.scale, plan.moments)
        if isinstance(op, Input):
            scale, offset = self.pixels.scale, self.pixels.offset
            return _Source(scale, self.seen[ROWS].moments(scale, offset), offset)
        if isinstance(op, Activation):
            table = self.table(op)
            return _Source(table.scale, self.seen[name].moments(table.scale), None, table.zero_point)
        if name in self.groups:
            scale, zero = self._grouped(name)
            order = np.concatenate(self.groups[name])
            moments = self.seen[name].moments(scale[np.argsort(order)]).reordered(order)
            return _Source(scale, moments, None, zero)
        if name in self.roles:
            pattern, _, _ = self.roles[name]
            plan = self.attention(pattern)
            return _Source(plan.context_scale, plan.context_moments, plan.context_centre)
        if name in self.streams:
            raise op.refused("is of 16 bits, which a linear layer reads through a LayerNorm only")
        found = self.integers(name).quantisation
        centre = found.offset if np.any(found.offset) else None
        moments = self.seen[name].moments(found.scale, found.offset)
        return _Source(found.scale, moments, centre, found.zero_point)

    def _grouped(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Scale and zero point of each channel of groups side by side."""
        tables = [self.table(self.real[part]) for part in self.real[name].inputs]
        sizes = [len(part) for part in self.groups[name]]
        columns = ([table.scale for table in tables], [table.zero_point for table in tables])
        scale, zero = (np.repeat(column, sizes) for column in columns)
        return scale, zero

    # Operators -------------------------------------------------------------------------------------------

    def _input(self, op: Input) -> Input:
        return replace(op, dtype="int8", quantisation=self.pixels)

    def _constant(self, op: Constant) -> Constant:
        """Rounded to its stream.

        Where a linear layer of the input is added, rows of zeros of the input add what its bias alone gives.
        It is taken out here, integer from integer, so that class tokens start exactly.
        """
        stream, start = self.stream(op.name), op.values.copy()
        readers = self.real.readers[op.name]
        added = [name for reader in readers for name in reader.inputs if isinstance(reader, Add)]
        embed = next((self.real[name] for name in added if self._embeds(name)), None)
        rows = slice(0, self.real.input.zero_rows)
        if embed is not None:
            start[rows] += embed.bias
        rounded = np.floor(start / stream.scale + 0.5).astype(np.int64)
        if embed is not None:
            made = self.integers(embed.name)
            zeros = np.zeros((1, len(made.bias)), np.int64)
            rounded[rows] -= requantise(zeros, made.bias, made.mult, made.shift, INT16)
        if rounded.min() < INT16[0] or rounded.max() > INT16[1]:
            raise PointwiseError(
                "The position embeddings or class tokens exceed twice the range of the residual stream; "
                "check the checkpoint."
            )
        return replace(op, values=rounded.astype(np.int16), quantisation=stream)

    def _embeds(self, name: str) -> bool:
        op = self.real[name]
        return isinstance(op, Linear) and op.inputs[0] == self.real.input.name

    def _linear(self, op: Linear) -> Linear:
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
            self.recipe[op.layer],
            self.grids.get(op.name),
        )
        return replace(op, **vars(rows), dtype=dtype, clamp="", quantisation=quantisation)

    def result_of(self, op: Op) -> tuple[np.ndarray | float, np.ndarray | float | None, str, Quantisation]:
        """Scale, what is subtracted before rounding, type and quantisation of a linear layer's result."""
        if op.name in self.streams:
            stream = self.stream(op.name)
            return stream.scale, None, "int16", stream
        if (found := self.pictures.result(op)) is not None:
            return found
        readers = self.real.readers[op.name]
        if len(readers) == 1 and isinstance(readers[0], Activation):
            table = self.table(readers[0])
            scale, centre = table.index_scale, table.index_centre
            return scale, centre, "int8", Quantisation(scale, 0, centre)
        if op.name in self.roles:
            pattern, index, part = self.roles[op.name]
            plan, rows = self.attention(pattern), pattern.channels[index]
            scores = plan.scores[index]
            scale, centre = {
                "q": (scores.q_scale, 0.0),
                "k": (scores.k_scale, scores.k_centre),
                "v": (plan.v_scale[rows], plan.v_centre[rows]),
            }[part]
            offset = np.broadcast_to(centre, scale.shape).astype(np.float64)
            return scale, centre, "int8", Quantisation(scale, 0, offset)
        return self.pictures.bytes_of(op.name)

    def _matmul(self, op: MatMul) -> MatMul:
        if op.name not in self.roles:
            raise op.refused(
                "is no part of attention, where alone the quantiser knows products of two values"
            )
        pattern, index, part = self.roles[op.name]
        plan = self.attention(pattern)
        if part == "scores":
            tokens = self.real.values[op.name].channels
            return scores_op(op, plan.scores[index], tokens)
        return context_op(op, plan, pattern.channels[index])

    def _softmax(self, op: Softmax) -> Softmax:
        pattern, index, _ = self.roles[op.name]
        return softmax_op(op, self.attention(pattern).scores[index])

    def _layer_norm(self, op: LayerNorm) -> LayerNorm:
        plan, scale = self.norm(op), self.stream(op.inputs[0]).step
        channels = self.real.values[op.name].channels
        constants = norm_constants(channels, plan.step, scale, op.epsilon, op.name)
        return LayerNorm(
            op.name, op.inputs, constants, plan.shift, layer=op.layer, quantisation=Quantisation(plan.scale)
        )

    def _activation(self, op: Activation) -> Activation:
        plan = self.table(op)
        scale = Quantisation(plan.scale, plan.zero_point)
        return replace(op, table=plan.table, dtype=plan.dtype, quantisation=scale)

    def _add(self, op: Add) -> Add:
        if op.name in self.pictures.sums:
            return self.pictures.add(op)
        return replace(op, quantisation=self.stream(op.name))

    def _concat(self, op: Concat) -> Concat:
        if op.name in self.groups:
            scale, zero = self._grouped(op.name)
            return replace(op, quantisation=Quantisation(scale, 0, -scale * zero))
        if op.name not in self.roles:
            raise op.refused(
                "puts values side by side that are no heads of an attention; that is not known yet"
            )
        plan = self.attention(self.roles[op.name][0])
        return replace(op, quantisation=Quantisation(plan.context_scale, 0, plan.context_centre))

    def _slice(self, op: Slice) -> Slice:
        return replace(op, quantisation=self.integers(op.inputs[0]).quantisation)
