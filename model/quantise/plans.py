"""What is decided for the values of a network, each when it is asked for first."""

from functools import cached_property

import numpy as np

from pointwise.model.graph import Graph, Quantisation
from pointwise.model.graph.ops import Activation, LayerNorm, Linear, MaxPool, MeanPool
from pointwise.model.graph.passes.fold_norms import readers_by_token
from pointwise.model.integer.rounding import INT16

from .activation_plan import TablePlan, fixed_table, plan_activation
from .attention_plan import AttentionPlan, plan_attention
from .channel_groups import divided, groups_by_range
from .inputs import PIXELS, pixel_scales
from .norm import NormPlan, fixed_norm, plan_norm
from .patterns import AttentionPattern, attentions, streams
from .recipe import Recipe
from .statistics import Statistics
from .trained import TrainedQuantisation

RESIDUAL_HEADROOM = 0.25
"""By which part a residual stream may leave its range on a few images: 16 bits have the room for it."""
OUTPUT_HEADROOM = 1.0
"""The same for the network's result, on any number; what is added up there was recorded part by part."""


class Plans:
    """Scales of values.

    Args:
        graph: of real numbers, with its LayerNorms folded. statistics: of it.
        recipe: how each layer is quantised. trained: what training has fixed.

    Attributes:
        groups: channels of hidden activations that have a table of their own.
        real: the graph with them as operators.
        streams: values of 16 bits, each with the first one of its stream.
        roles: of the operators of attention: its pattern, which head, and as what.
    """

    def __init__(
        self, graph: Graph, statistics: Statistics, recipe: Recipe, trained: TrainedQuantisation
    ) -> None:
        self.statistics, self.recipe, self.trained = statistics, recipe, trained
        self.groups = groups_by_range(graph, statistics, recipe, trained)
        self.parts = {
            f"{name}.{index}": (name, channels)
            for name, parts in self.groups.items()
            for index, channels in enumerate(parts)
        }
        self.real = divided(graph, self.groups)
        self.streams = streams(graph)
        self.roles: dict[str, tuple[AttentionPattern, int, str]] = {}
        for pattern in attentions(graph):
            for index, head in enumerate(pattern.heads):
                for part, op in vars(head).items():
                    self.roles[op.name] = (pattern, index, part)
            self.roles[pattern.joined.name] = self.roles.get(pattern.joined.name, (pattern, 0, "joined"))
        self._norms: dict[str, NormPlan] = {}
        self._tables: dict[str, TablePlan] = {}
        self._attentions: dict[str, AttentionPlan] = {}

    @cached_property
    def pixels(self) -> Quantisation:
        """Of the network's input, for each of its channels."""
        statistics, channels = self.statistics, self.real.input.shape[1]
        fixed = self.trained.activations.get(self.real.input.name)
        if fixed is not None:
            both = fixed.scale, fixed.centre
            scale, offset = (np.broadcast_to(part, channels).copy() for part in both)
            return Quantisation(scale, 0, offset)
        found = pixel_scales(statistics[PIXELS], statistics.grids)
        per_channel = (np.repeat(part, channels // len(part)) for part in (found.scale, found.offset))
        return Quantisation(*(next(per_channel), 0), next(per_channel))

    def stream(self, name: str) -> Quantisation:
        """Of a value of 16 bits."""
        leader = self.streams[name]
        result = self.streams.get(self.real.output) == leader
        headroom = OUTPUT_HEADROOM if result else self.statistics.margin(RESIDUAL_HEADROOM)
        largest = float(self.statistics[leader].largest()[0])
        return Quantisation(largest * (1 + headroom) / INT16[1])

    def norm(self, op: LayerNorm) -> NormPlan:
        """Step and channel shifts of a LayerNorm, chosen with the weights that read it in mind."""
        if op.name not in self._norms:
            readers = [
                reader for reader in readers_by_token(self.real, op.name) if isinstance(reader, Linear)
            ]
            if not readers:
                raise op.refused("is read by no linear layer, whose weights would tell its step")
            layers = list(dict.fromkeys(reader.layer for reader in readers))
            readers.sort(key=lambda reader: layers.index(reader.layer))
            remaining = max(self.recipe[layer].weight_noise for layer in layers)
            weights = [reader.weight for reader in readers]
            step, fixed = self.trained.steps.get(op.name), self.trained.activations.get(op.name)
            record = self.statistics[op.name]
            self._norms[op.name] = (
                plan_norm(record, weights, self.recipe[op.layer], step, remaining)
                if fixed is None
                else fixed_norm(record, np.asarray(fixed.scale))
            )
        return self._norms[op.name]

    def table(self, op: Activation) -> TablePlan:
        """Index and result of an activation."""
        if op.name not in self._tables:
            config = self.recipe[self.real[op.inputs[0]].layer]
            part = self.parts.get(op.name, ("", None))
            step = op.step or self.trained.steps.get(op.name)
            plan = plan_activation(op, self.statistics, config, step, *part)
            index, result = (self.trained.activations.get(name) for name in (op.inputs[0], op.name))
            if index is not None or result is not None:
                plan = fixed_table(op, plan, index, result)
            self._tables[op.name] = plan.signed() if self._held(op.name) else plan
        return self._tables[op.name]

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
        if name not in self._attentions:
            step, fixed = self.trained.steps.get(name), self.trained.activations
            self._attentions[name] = plan_attention(pattern, self.statistics, self.recipe, step, fixed)
        return self._attentions[name]

    def grouped(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Scale and zero point of each channel of groups side by side."""
        parts = [self.real[part] for part in self.real[name].inputs]
        tables = [self.table(part) for part in parts if isinstance(part, Activation)]
        sizes = [len(part) for part in self.groups[name]]
        columns = ([table.scale for table in tables], [table.zero_point for table in tables])
        scale, zero = (np.repeat(column, sizes) for column in columns)
        return scale, zero
