"""From what ``torch.export`` captured to the operators of a graph."""

import linecache
import operator
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch.fx.node import Node, map_arg

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.frontends.builder import Builder, ReadTwice
from pointwise.model.frontends.graph import GraphNetwork
from pointwise.model.frontends.moments import Moment
from pointwise.model.frontends.outputs import result
from pointwise.model.frontends.symbol import Symbol

from .capture import capture
from .registry import ATEN

FRAME = re.compile(r'File "([^"]+)", line (\d+)')
LIBRARY = str(Path(torch.__file__).parent)
"""Frames in PyTorch's own files tell a user nothing."""
CHECKS = ("_assert_tensor_metadata", "_assert_async", "_assert_scalar", "sym_constrain_range")
"""Operators without a result."""


def translate(module: nn.Module, example: Tensor, name: str) -> GraphNetwork:
    """A module as a network.

    Args:
        example: one input as the module takes it; where its first dimension is 1, this is the batch, and
            inputs are given without it. name: of the network.

    Raises:
        PointwiseError: it cannot be captured, or does something that is not known; the sentence names the
            operator, the module and the line of the source.
    """
    program = capture(module, (example,), name)
    try:
        return _Translation(program, example, name).network()
    except ReadTwice:
        return _Translation(program, example, name, pixels=True).network()


class _Translation:
    """One translation; the value of every node is a constant, a symbol or several of them."""

    def __init__(self, program: ExportedProgram, example: Tensor, name: str, pixels: bool = False) -> None:
        self.program, self.example, self.name = program, example, name
        shape = tuple(example.shape[1:] if example.shape[0] == 1 else example.shape)
        self.build = Builder(shape, pixels)
        self.known = ATEN.translators()
        self.values: dict[Node, Any] = {}

    def network(self) -> GraphNetwork:
        signature = self.program.graph_signature
        parameters = {spec.arg.name: spec for spec in signature.input_specs}
        found: Any = None
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = self._placeholder(node, parameters[node.name])
            elif node.op == "output":
                found = [self._argument(one) for one in node.args[0]]
            else:
                self.values[node] = self._called(node)
                self._forget(node)
        return self.build.finish(result(self.build, found, self.name), self.name, {})

    def _placeholder(self, node: Node, spec: Any) -> Symbol | Tensor:
        if spec.kind == InputKind.USER_INPUT:
            symbol = self.build.given()
            shape = tuple(self.example.shape)
            return symbol.moved(lambda places: places.reshape(shape))
        held = {**self.program.state_dict, **self.program.constants}
        tensor = held[spec.target].detach()
        self.build.names[id(tensor)] = spec.target
        return tensor

    def _called(self, node: Node) -> Any:
        arguments: Any = map_arg((node.args, node.kwargs), lambda one: self.values[one])
        args, kwargs = arguments
        if node.target is operator.getitem:
            return args[0][args[1]]
        short = str(node.target).removeprefix("aten.").partition(".")[0]
        if short in CHECKS:
            return None
        assert callable(node.target)
        if not any(_depends(one) for one in (*args, *kwargs.values())):
            return node.target(*args, **kwargs)
        build = self.build
        build.operator = node.target
        build.module, build.where = _module(node), _where(node, short, self.name)
        if short not in self.known:
            raise build.refused("is an operator that is not known")
        try:
            return self.known[short](build, *args, **kwargs)
        except PointwiseError as error:
            if str(error).startswith(build.where):
                raise
            raise build.refused(f"cannot be translated: {error}") from error

    def _argument(self, one: Any) -> Any:
        return self.values[one] if isinstance(one, Node) else one

    def _forget(self, node: Node) -> None:
        """Places of large tensors are large: what nothing reads any more goes."""
        for source in node.all_input_nodes:
            if source.op != "placeholder" and all(user in self.values for user in source.users):
                self.values[source] = None


def _depends(value: Any) -> bool:
    """Whether an argument depends on the input."""
    if isinstance(value, list | tuple):
        return any(_depends(one) for one in value)
    return isinstance(value, Symbol | Moment)


def _module(node: Node) -> str:
    """The path of the innermost module that a node is of."""
    stack = node.meta.get("nn_module_stack") or {}
    return list(stack.values())[-1][0].replace("L['self'].", "") if stack else ""


def _where(node: Node, short: str, network: str) -> str:
    """The operator, module and line of the source of a node, as the beginning of a sentence."""
    stack = node.meta.get("nn_module_stack") or {}
    path, kind = list(stack.values())[-1] if stack else ("", "")
    kind = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
    module = f"{path} ({kind.rpartition('.')[2]})" if path and kind else path or network
    frames = [frame for frame in FRAME.findall(node.meta.get("stack_trace") or "") if LIBRARY not in frame[0]]
    if not frames:
        return f"{module}: {short}"
    file, line = frames[-1]
    source = linecache.getline(file, int(line)).strip()
    return f"{module}, {Path(file).name}:{line}{f' ({source})' if source else ''}: {short}"
