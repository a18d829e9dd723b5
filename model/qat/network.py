"""A network with quantisers in it: what is trained aware of quantisation.

What is quantised is what the core's array multiplies. γ and β of every LayerNorm are therefore folded into
the linear layers behind it first, and clamps into what is in front of them.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from pointwise.model.frontends import FloatNetwork
from pointwise.model.graph import Graph, Op, run_with
from pointwise.model.graph.ops import Activation, Constant, Conv2d, Input, Linear
from pointwise.model.graph.passes import fold_norms
from pointwise.model.graph.passes.fold_clamps import fold_clamps
from pointwise.model.quantise.inputs import PixelScales

from .base import Quantiser, check_paths, error_context
from .narrow import narrowed
from .places import ACTIVATION_BITS, Place, places, weighted
from .prune import Pruner

QuantiserClass = Callable[..., Quantiser]


class WeightPath(nn.Module):
    """What becomes of a weight before it is used: pruned, then quantised.

    Attributes:
        columns: what one step of each input channel is worth against the others, (K,): the integers are those
            of weight · columns.
    """

    columns: Tensor

    def __init__(self, quantiser: Quantiser, pruner: Pruner | None, columns: Tensor) -> None:
        super().__init__()
        self.quantiser, self.pruner = quantiser, pruner
        self.register_buffer("columns", columns)

    def prepared(self, weight: Tensor) -> Tensor:
        """The values (N, K) that the quantiser rounds."""
        rows = (weight if self.pruner is None else self.pruner(weight)).flatten(1)
        return rows * self.columns

    def forward(self, weight: Tensor) -> Tensor:
        return (self.quantiser(self.prepared(weight)) / self.columns).reshape(weight.shape)


class Layer(nn.Module):
    """Weight and bias of an operator, and the path of the weight, where it has one."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.from_numpy(part).float()) for part in (weight, bias))
        self.path: WeightPath | None = None

    def forward(self) -> Tensor:
        """The weight as it is used."""
        return self.weight if self.path is None else self.path(self.weight)


class Activations(nn.Module):
    """The quantiser of an activation; the first values that come by start it, and check it."""

    def __init__(self, quantiser: Quantiser, where: str) -> None:
        super().__init__()
        self.quantiser, self.where, self.started = quantiser, where, False

    def forward(self, values: Tensor) -> Tensor:
        if not self.started:
            with error_context(type(self.quantiser), self.where):
                self.quantiser.initialise(self.quantiser.rows(values))
                check_paths(self.quantiser, values, self.where)
            self.started = True
        return self.quantiser(values)


class QuantisedNetwork(nn.Module):
    """A network whose weights and activations are rounded as it runs: inputs (B, *shape) to results.

    Attributes:
        graph: its operators, whose weights are in ``layers`` and ``constants``.
        layers: by the names of operators, with ``/`` for the dots, as all names here. constants: the numbers
            that depend on no input.
        activations: quantisers of the operators' results that have one. places: where they belong.
    """

    def __init__(self, source: FloatNetwork, activation_bits: int = ACTIVATION_BITS) -> None:
        """``activation_bits``: of the results of functions (``narrow``)."""
        super().__init__()
        graph = fold_norms(fold_clamps(narrowed(source.graph, activation_bits)))
        self.layers = nn.ModuleDict({_key(op.name): Layer(op.weight, op.bias) for op in weighted(graph)})
        constants = {op.name: op.values for op in graph.ops if isinstance(op, Constant)}
        self.constants = nn.ParameterDict(
            {_key(name): nn.Parameter(torch.from_numpy(values).float()) for name, values in constants.items()}
        )
        self.activations = nn.ModuleDict()
        self.places = tuple(places(graph))
        self.graph = graph.changed({op.name: replace(op, weight=None, bias=None) for op in weighted(graph)})
        # Which number of an input stands where in the rows; 0 is for zeros.
        numbers = np.arange(1.0, 1 + np.prod(source.input_shape)).reshape(1, *source.input_shape)
        self._places = torch.from_numpy(source.rows(numbers)[0].astype(np.int64))

    def no_weight_decay(self) -> set[str]:
        """Names of parameters that are learnt tokens, and no matrices."""
        return {name for name, _ in self.named_parameters() if name.startswith("constants.")}

    def forward(self, inputs: Tensor) -> Tensor:
        flat = nn.functional.pad(inputs.flatten(1), (1, 0))
        rows = flat[:, self._places.to(inputs.device)]

        def compute(op: Op, values: list[Tensor]) -> Tensor:
            key = _key(op.name)
            if isinstance(op, Input):
                made = rows
            elif isinstance(op, Constant):
                made = self.constants[key]
            elif key in self.layers:
                layer = self.layer(op.name)
                assert isinstance(op, Linear | Conv2d)
                made = replace(op, weight=layer(), bias=layer.bias).reference(*values).to(rows.dtype)
            else:
                made = op.reference(*values).to(rows.dtype)
            return self.activations[key](made) if key in self.activations else made

        return run_with(self.graph, compute, {self.graph.output})[self.graph.output].flatten(1)

    def layer(self, name: str) -> Layer:
        """Weight, bias and path of an operator."""
        found = self.layers[_key(name)]
        assert isinstance(found, Layer)
        return found

    def steps(self) -> dict[str, float]:
        """Real value of one step of each activation that has a quantiser, by its operator."""
        if not self.activations:
            return {}
        found = {place.name: self.activations[_key(place.name)] for place in self.places}
        return {name: float(one.get_buffer("quantiser.scale")[0]) for name, one in found.items()}

    def attach_weights(
        self, quantiser: QuantiserClass, bits: dict[str, int], pruner: Pruner | None, pixels: PixelScales
    ) -> None:
        """Put a quantiser, and a pruner if there is one, on every weight.

        Args:
            bits: of each operator by name. pixels: scales of the groups of the input's channels.

        Raises:
            PointwiseError: the quantiser fails, or its two paths do not agree.
        """
        scales = np.repeat(pixels.scale, self.graph.input.shape[1] // len(pixels.scale))
        for op in weighted(self.graph):
            layer, where = self.layer(op.name), f"the weights of {op.name}"
            weight = layer.weight.detach()
            columns = torch.ones(weight[0].numel())
            if op.inputs[0] == self.graph.input.name and weight.shape[1] == len(scales):
                columns = torch.from_numpy(scales / scales.max()).float()
                columns = columns.repeat_interleave(weight[0, 0].numel())
            with error_context(quantiser, where):
                path = WeightPath(quantiser(bits[op.name], len(weight)), pruner, columns)
                path.quantiser.initialise(path.prepared(weight))
                check_paths(path.quantiser, path.prepared(weight), where)
            layer.path = path

    def attach_activations(self, quantiser: QuantiserClass, inputs: Tensor) -> None:
        """Put a quantiser on every activation that is multiplied by weights.

        Args:
            inputs: (B, *shape), the first values that the quantisers see.

        Raises:
            PointwiseError: the quantiser fails, or its two paths do not agree.
        """
        for place in self.places:
            self.activations[_key(place.name)] = _started(quantiser, place)
        with torch.no_grad():
            self(inputs)

    def exported(self) -> Graph:
        """The operators with their weights as they are, float64, and the steps of activations of few bits.

        γ, β and clamps are folded.
        """
        changed: dict[str, Op] = {}
        steps = self.steps()
        for op in self.graph.ops:
            if isinstance(op, Activation) and op.bits < ACTIVATION_BITS and op.name in steps:
                changed[op.name] = replace(op, step=steps[op.name])
            elif isinstance(op, Linear | Conv2d) and _key(op.name) in self.layers:
                layer = self.layer(op.name)
                weight, bias = (part.detach().double().numpy() for part in (layer.weight, layer.bias))
                changed[op.name] = replace(op, weight=weight, bias=bias)
            elif isinstance(op, Constant):
                values = self.constants[_key(op.name)].detach().double().numpy()
                changed[op.name] = replace(op, values=values)
        return self.graph.changed(changed)


def _started(quantiser: QuantiserClass, place: Place) -> Activations:
    where = f"the activations {place.name}"
    with error_context(quantiser, where):
        return Activations(quantiser(place.bits, 1, place.least), where)


def _key(name: str) -> str:
    """A name of an operator as one of a module: PyTorch's have no dots."""
    return name.replace(".", "/")
