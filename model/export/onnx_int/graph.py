"""A graph of ONNX nodes in which arithmetic can be written, of int64 unless a name says otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper

from pointwise.model.export.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class Value:
    """What an operator of the network makes, (batch, tokens, channels).

    Attributes:
        name: of the ONNX value. dtype: "int8", "uint8" or "int16", of both. tokens, channels: its shape.
    """

    name: str
    dtype: str
    tokens: int
    channels: int


class IntegerGraph(OnnxGraph):
    """Nodes under the name of the operator that they are for.

    Attributes:
        scope: of that operator.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scope = ""
        self._made: dict[tuple[str, ...], str] = {}

    @contextmanager
    def of(self, operator: str) -> Iterator[None]:
        """What is made meanwhile is called after an operator of the network."""
        before, self.scope = self.scope, operator
        yield
        self.scope = before

    def numbers(self, values: Any, dtype: str = "int64") -> str:
        """A constant; one of the same numbers is taken again."""
        array = np.asarray(values).astype(dtype)
        key = ("constant", str(array.dtype), str(array.shape), array.tobytes().hex())
        if key not in self._made:
            self._made[key] = self.constant(f"{self.scope}/{len(self.constants)}", array)
        return self._made[key]

    def do(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A node of one result, whose name is made up."""
        return self.node(operator, list(inputs), f"{self.scope}/{len(self.nodes)}.{operator}", **attributes)

    def cast(self, value: str, dtype: str) -> str:
        """The same numbers in another type, once for each."""
        key = ("cast", value, dtype)
        if key not in self._made:
            self._made[key] = self.do("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
        return self._made[key]

    def wide(self, value: Value) -> str:
        """The integers of a value as int64."""
        return self.cast(value.name, "int64")

    def add(self, left: str, right: str | Any) -> str:
        """Their sum; whatever is no name is a constant, here as below."""
        return self.do("Add", left, self._name(right))

    def sub(self, left: str | Any, right: str | Any) -> str:
        """The first less the second."""
        return self.do("Sub", self._name(left), self._name(right))

    def mul(self, left: str, right: str | Any) -> str:
        """Their product."""
        return self.do("Mul", left, self._name(right))

    def clip(self, value: str, low: int | None, high: int | None) -> str:
        """Values clamped to low..high, both included; None is no bound.

        By comparisons: Clip, Min and Max of onnxruntime give other numbers for some int64 beyond 32 bits.
        """
        for operator, bound in (("Less", low), ("Greater", high)):
            if bound is not None:
                edge = self.numbers(bound)
                value = self.do("Where", self.do(operator, value, edge), edge, value)
        return value

    def made(self, value: str, operator: str, dtype: str, tokens: int, channels: int) -> Value:
        """The result of an operator of the network: int64 numbers in its type and under its name."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return Value(self.node("Cast", [value], operator, to=kind), dtype, tokens, channels)

    def _name(self, given: str | Any) -> str:
        return given if isinstance(given, str) else self.numbers(given)
