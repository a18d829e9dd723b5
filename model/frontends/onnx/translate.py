"""From an ONNX file to the operators of a graph."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.builder import Builder, ReadTwice
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.frontends.moments import Moment
from pointwise.model.frontends.outputs import result
from pointwise.model.frontends.rounded import settled
from pointwise.model.frontends.symbol import Symbol
from pointwise.model.quantise.trained import TrainedQuantisation

from .integers import Quantised
from .known_weights import KnownWeights
from .quantised import MOVES, moved
from .read import constants_of, input_of, read
from .registry import ONNX
from .tables import looked_up

DOMAINS = ("", "ai.onnx")


def translate(path: Path, name: str, shape: Sequence[int] | None = None) -> GraphNetwork:
    """A network of real numbers in an ONNX file.

    Args:
        name: of the network. shape: of an input with its batch, where the file leaves sizes free.

    Raises:
        PointwiseError: the file cannot be read, or does something that is not known; the sentence names the
            node and its operator.
    """
    model = read(path)
    try:
        return _Translation(model, path, name, shape).network()
    except ReadTwice:
        return _Translation(model, path, name, shape, pixels=True).network()


class _Translation:
    """One translation; every value by name is a constant, a symbol or a stage of a LayerNorm."""

    def __init__(
        self, model: Any, path: Path, name: str, given: Sequence[int] | None, pixels: bool = False
    ) -> None:
        self.model, self.path, self.name = model, path, name
        self.input, shape = input_of(model.graph, path, given)
        self.build = Builder(shape[1:] if shape[0] == 1 else shape, pixels)
        entered = self.build.given().moved(lambda places: places.reshape(shape))
        self.values: dict[str, Any] = {"": None, self.input: entered}
        for constant, array in constants_of(model.graph, path).items():
            self._keep(constant, _tensor(array))
        self.known = ONNX.translators()
        self.followers: dict[str, set[str]] = defaultdict(set)
        for node in model.graph.node:
            for source in node.input:
                self.followers[source].add(node.op_type)
        self.weights = KnownWeights()

    def network(self) -> GraphNetwork:
        for node in self.model.graph.node:
            if any(isinstance(self._value(name, node), Symbol | Moment | Quantised) for name in node.input):
                made = self._translated(node)
            elif node.op_type == "DequantizeLinear":
                made = self._weights(node)
            else:
                made = self._computed(node)
            for name, value in zip(node.output, made, strict=False):
                self._keep(name, value)
        found = [self.values[one.name] for one in self.model.graph.output]
        if any(isinstance(one, Quantised) for one in found):
            raise PointwiseError(
                f"The ONNX file {self.path.name} ends with integers; give a file that dequantises its result."
            )
        made = self.build.finish(result(self.build, found, self.name), self.name, {})
        given, activations = settled(self.build, made)
        fixed, weights = self.weights.of(self.build, made, activations)
        quantised = TrainedQuantisation(fixed, activations=activations)
        return GraphNetwork(made.graph, made.arrangement, quantised, given, weights)

    def _value(self, name: str, node: Any) -> Any:
        if name not in self.values:
            raise PointwiseError(f"Node {node.name} of {self.path} reads {name}, which nothing makes.")
        return self.values[name]

    def _keep(self, name: str, value: Any) -> None:
        self.values[name] = value
        if isinstance(value, Tensor):
            self.build.names.setdefault(id(value), name)

    def _translated(self, node: Any) -> list[Any]:
        """What a node makes of values that depend on the input."""
        from onnx import helper

        build, kind = self.build, node.op_type
        build.module = _module(node.name)
        build.where = f"Node {node.name or node.output[0]} of {self.path.name}: {kind}"
        if kind == "DynamicQuantizeLinear":
            raise build.refused("chooses scales for each input; give a file of fixed ones or of real numbers")
        inputs = [self.values[name] for name in node.input]
        integers = [isinstance(one, Quantised) for one in inputs]
        build.reads, build.followers = node.input[0], self.followers[node.output[0]]
        if kind == "Gather" and isinstance(inputs[0], Tensor) and integers[1]:
            return [looked_up(build, inputs[0], inputs[1], node.output[0], node.doc_string)]
        if any(integers) and kind not in {"DequantizeLinear", "Cast", *MOVES}:
            raise build.refused("works on integers; give a file that dequantises in front of it")
        if kind not in self.known or node.domain not in DOMAINS:
            raise build.refused("is an operator that is not known")
        attributes = {one.name: _plain(helper.get_attribute_value(one)) for one in node.attribute}
        if kind == "Split":
            attributes["outputs"] = len(node.output)
        try:
            move = partial(self.known[kind], build, **attributes)
            made = moved(build, move, inputs) if any(integers) and kind in MOVES else move(*inputs)
        except PointwiseError as error:
            if str(error).startswith(build.where):
                raise
            raise build.refused(f"cannot be translated: {error}") from error
        except (TypeError, ValueError, IndexError, RuntimeError) as error:
            # Of attributes that contradict each other or the shapes, which the file's checker lets pass.
            reason = " ".join(str(error).split())
            raise build.refused(f"has inputs or attributes that are not known ({reason[:200]})") from error
        return made if isinstance(made, list) else [made]

    def _computed(self, node: Any) -> list[Any]:
        """What a node makes of constants, by the library's own reference."""
        from onnx import ValueInfoProto, helper
        from onnx.reference import ReferenceEvaluator

        held = {name: self.values[name] for name in node.input if name}
        inputs = [ValueInfoProto(name=name) for name in held]
        graph = helper.make_graph([node], "one", inputs, [ValueInfoProto(name=name) for name in node.output])
        opsets = list(self.model.opset_import)
        model = helper.make_model(graph, opset_imports=opsets)
        try:
            made = ReferenceEvaluator(model).run(
                None, {name: np.asarray(value.numpy()) for name, value in held.items()}
            )
        except Exception as error:
            # The reference knows not every operator, and says so in many ways.
            raise PointwiseError(
                f"Node {node.name or node.output[0]} of {self.path.name}: {node.op_type} of constants cannot "
                f"be computed ({type(error).__name__}: {error})."
            ) from error
        return [_tensor(np.asarray(one)) for one in made]

    def _weights(self, node: Any) -> list[Any]:
        """What a DequantizeLinear makes of constants."""
        from onnx import helper

        self.build.where = f"Node {node.name or node.output[0]} of {self.path.name}: {node.op_type}"
        told = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        integers, scale, *rest = (self.values[name] for name in node.input)
        zero = rest[0] if rest else None
        axis, block = told.get("axis", 1), told.get("block_size", 0)
        name = node.input[0]
        return [self.weights.dequantised(self.build, name, integers, scale, zero, axis, block)]


def _module(name: str) -> str:
    """The path of a module by the name of a node, as exporters have it: /blocks/blocks.0/attn/MatMul."""
    parts: list[str] = []
    for part in name.strip("/").split("/")[:-1]:
        # A module of a list has the name of the list in front.
        inside = bool(parts) and part.startswith(f"{parts[-1]}.")
        parts = [*parts[:-1], part] if inside else [*parts, part]
    return ".".join(parts)


def _tensor(array: np.ndarray) -> Tensor:
    """A constant; types that PyTorch lacks become real numbers."""
    array = np.array(array)
    if array.dtype.kind not in "fiub":
        array = array.astype(np.float32)
    return torch.from_numpy(array)


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
