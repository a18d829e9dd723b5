"""A network in which any choice of layers computes in integers and all others in float64.

With no integer layer it is the float network, under the names of the integer one's operations. With all of
them it is the integer model, bit for bit. With one it shows what quantising that layer alone costs.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from pointwise.model.engine import EngineOp, fuse
from pointwise.model.engine.op import Accumulate, Keys
from pointwise.model.graph import Graph, Op
from pointwise.model.graph.ops import LayerNorm
from pointwise.model.models.deit import deit_graph
from pointwise.model.networks import DeiTConfig
from pointwise.model.quantise.channel_groups import divided, groups_of
from pointwise.model.quantise.inputs import pixel_rows, rounded_rows


@dataclass
class Tensors:
    """Real values at one point of a run.

    Attributes:
        values: (B, tokens, channels) float64 by the name of the value.
        norms: results of the LayerNorm that was needed last, real and in integers, by (its name, integer).
    """

    values: dict[str, np.ndarray]
    norms: dict[tuple[str, bool], np.ndarray] = field(default_factory=dict)

    def copy(self) -> "Tensors":
        """The same values, in which later steps of the copy do not show."""
        return Tensors(dict(self.values), dict(self.norms))


class MixedNetwork:
    """Steps through the operations of an integer network, each in integers or in float64.

    Attributes:
        network: the integers. ops: what the core does in one go, in order: a step each.
    """

    def __init__(self, network: Graph, state: Mapping[str, Tensor], config: DeiTConfig) -> None:
        """Take an integer network, and the checkpoint and dimensions that it was made of."""
        self.network, self.ops = network, fuse(network)
        self._float = divided(deit_graph(config, state), groups_of(network))

    def layer(self, op: EngineOp) -> str:
        """The layer that an operation is a part of."""
        return self.network[op.name].layer

    def start(self, images: np.ndarray) -> Tensors:
        """Return the tensors in front of the first operation for normalised images (B, colours, S, S)."""
        return Tensors({self.network.input.name: pixel_rows(self.network, images)})

    def step(self, op: EngineOp, tensors: Tensors, integer: bool) -> np.ndarray:
        """Run one operation, keep its result in ``tensors`` and return it."""
        made = self._integer(op, tensors) if integer else self._reference(op, tensors)
        tensors.values[op.output] = made
        return made

    def run(self, images: np.ndarray, integer: Collection[str] = ()) -> dict[str, np.ndarray]:
        """Return the real result of every operation by its name; those named in ``integer`` are integer."""
        tensors = self.start(images)
        return {op.name: self.step(op, tensors, op.name in integer) for op in self.ops}

    # In float64 ------------------------------------------------------------------------------------------

    def _reference(self, op: EngineOp, tensors: Tensors) -> np.ndarray:
        def compute(one: Op, inputs: list[np.ndarray]) -> np.ndarray:
            if one.name == op.name and isinstance(op.stationary, Keys):
                # Softmax is the same without the part that the keys' centre adds to a whole row.
                inputs = [inputs[0], inputs[1] - self.network[op.stationary.value].quantisation.offset]
            return one.reference(*map(torch.from_numpy, inputs)).numpy()

        return self._follow(op, tensors, self._float, False, tensors.values, compute)

    # In integers -----------------------------------------------------------------------------------------

    def _integer(self, op: EngineOp, tensors: Tensors) -> np.ndarray:
        rounded = {name: self._rounded(name, tensors) for name in self._read(op)}
        made = self._follow(
            op, tensors, self.network, True, rounded, lambda one, inputs: one.integer(*inputs)
        )
        added = op.stage(Accumulate)
        if added is None:
            return op.quantisation.real(made)
        # What is added to keeps its real value: only this operation's own share is an integer.
        share = op.quantisation.real(made - rounded[added.value])
        return self._real(added.value, tensors) + share

    def _rounded(self, name: str, tensors: Tensors) -> np.ndarray:
        network = self.network
        if name == network.input.name:
            return rounded_rows(network, tensors.values[name])
        values = self._real(name, tensors)
        return network[name].quantisation.rounded(values, network.values[name].dtype)

    def _real(self, name: str, tensors: Tensors) -> np.ndarray:
        """A value that was made before; a constant is that of the integer network."""
        if name not in tensors.values:
            return self.network.real(name, self.network[name].integer())
        return tensors.values[name]

    # Both ------------------------------------------------------------------------------------------------

    def _read(self, op: EngineOp) -> list[str]:
        """The values that an operation reads, and does not make itself."""
        names = (name for member in op.members for name in self.network[member].inputs)
        return [name for name in dict.fromkeys(names) if name not in op.members]

    def _follow(
        self,
        op: EngineOp,
        tensors: Tensors,
        graph: Graph,
        integer: bool,
        given: Mapping[str, np.ndarray],
        compute: Callable[[Op, list[np.ndarray]], np.ndarray],
    ) -> np.ndarray:
        """Compute the operators of ``graph`` that an operation does; returns the last one's result."""
        values = dict(given)
        for one in graph.ops:
            if one.name not in op.members:
                continue
            for name in one.inputs:
                if name not in values:
                    values[name] = compute(graph[name], [])  # a constant
            if isinstance(one, LayerNorm) and (one.name, integer) in tensors.norms:
                values[one.name] = tensors.norms[one.name, integer]
                continue
            values[one.name] = compute(one, [values[name] for name in one.inputs])
            if isinstance(one, LayerNorm):
                if any(name != one.name for name, _ in tensors.norms):
                    tensors.norms.clear()
                tensors.norms[one.name, integer] = values[one.name]
        return values[op.output]
