"""A graph of ONNX nodes that grows: names, constants, QuantizeLinear and DequantizeLinear."""

from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper


class Graph:
    """Nodes and initialisers in order of creation.

    Attributes:
        nodes, constants: what was added so far.
    """

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}

    def constant(self, name: str, values: np.ndarray) -> str:
        """An initialiser; returns its name. One that is there already is taken again."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.array(values, order="C"), name)
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """A node named after its one output; returns that name."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def with_constant(self, operator: str, value: str, name: str, values: np.ndarray, output: str) -> str:
        """A node of a value and a float32 constant."""
        return self.node(operator, [value, self.constant(name, np.asarray(values, np.float32))], output)

    def quantise(self, value: str, name: str, step: float, zero: int, dtype: type[np.integer]) -> str:
        """QuantizeLinear with one step for all; returns the name of the integers, ``name``."""
        return self.node("QuantizeLinear", [value, *self._grid(name, step, zero, dtype)], name)

    def dequantise(self, integers: str, step: float, zero: int, dtype: type[np.integer]) -> str:
        """DequantizeLinear with one step for all; returns the name of the real values."""
        grid = self._grid(integers, step, zero, dtype)
        return self.node("DequantizeLinear", [integers, *grid], f"{integers}.real")

    def stored(self, name: str, integers: np.ndarray, steps: np.ndarray, axis: int) -> str:
        """DequantizeLinear of constant integers with a step for each index of ``axis``."""
        values = self.constant(name, integers)
        scale = self.constant(f"{name}.scale", steps.astype(np.float32))
        zero = self.constant(f"{name}.zero", np.zeros(len(steps), integers.dtype))
        return self.node("DequantizeLinear", [values, scale, zero], f"{name}.real", axis=axis)

    def _grid(self, name: str, step: float, zero: int, dtype: type[np.integer]) -> list[str]:
        return [
            self.constant(f"{name}.scale", np.float32(step)),
            self.constant(f"{name}.zero", np.array(zero, dtype)),
        ]
