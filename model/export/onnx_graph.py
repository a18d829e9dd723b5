"""A graph of ONNX nodes that grows: names, constants, QuantizeLinear and DequantizeLinear."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from pointwise.hw.contract.errors import PointwiseError


@dataclass(frozen=True)
class Tensor:
    """A value of the graph, (batch, tokens, channels).

    Attributes:
        name: of the ONNX value: the integers, or real values where ``dtype`` is float32.
        channels: its last axis. dtype: int8, uint8 or float32.
        step, zero: real = step · (integer − zero), where it has no integers those of the integer network.
        front: rows of zeros before it, of class tokens, which it does not hold; products get them.
        offset: what is added to that in the integer network, where it is the same for all channels.
    """

    name: str
    channels: int
    dtype: type[np.number]
    step: float
    zero: int = 0
    front: int = 0
    offset: float = 0.0


class OnnxGraph:
    """Nodes and initialisers in order of creation.

    Attributes:
        nodes, constants: what was added so far, by name.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, NodeProto] = {}
        self.constants: dict[str, TensorProto] = {}

    def constant(self, name: str, values: np.ndarray) -> str:
        """An initialiser; returns its name. One that is there already is taken again."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.array(values, order="C"), name)
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """A node named after its one output; returns that name.

        Raises:
            PointwiseError: there is one of that name.
        """
        if output in self.nodes:
            raise PointwiseError(
                f"The export to ONNX makes two values called {output}; give the operator of the network "
                "another name, or export it as numpy."
            )
        self.nodes[output] = helper.make_node(operator, inputs, [output], name=output, **attributes)
        return output

    def with_constant(
        self, operator: str, value: str, name: str, values: np.ndarray | float, output: str
    ) -> str:
        """A node of a value and a float32 constant."""
        return self.node(operator, [value, self.constant(name, np.asarray(values, np.float32))], output)

    def quantise(self, value: str, tensor: Tensor) -> Tensor:
        """QuantizeLinear of real values, with one step for all; returns ``tensor``, which it makes."""
        self.node("QuantizeLinear", [value, *self._grid(tensor)], tensor.name)
        return tensor

    def real(self, tensor: Tensor) -> str:
        """The name of the real values of a tensor: DequantizeLinear where it holds integers, once."""
        name = f"{tensor.name}.real"
        if tensor.dtype is np.float32:
            return tensor.name
        if name in self.nodes:
            return name
        return self.node("DequantizeLinear", [tensor.name, *self._grid(tensor)], name)

    def stored(self, name: str, integers: np.ndarray, steps: np.ndarray, axis: int) -> str:
        """DequantizeLinear of constant integers with a step for each index of ``axis``."""
        values = self.constant(name, integers)
        scale = self.constant(f"{name}.scale", steps.astype(np.float32))
        zero = self.constant(f"{name}.zero", np.zeros(len(steps), integers.dtype))
        return self.node("DequantizeLinear", [values, scale, zero], f"{name}.real", axis=axis)

    def _grid(self, tensor: Tensor) -> list[str]:
        return [
            self.constant(f"{tensor.name}.scale", np.array(tensor.step, np.float32)),
            self.constant(f"{tensor.name}.zero", np.array(tensor.zero, tensor.dtype)),
        ]
