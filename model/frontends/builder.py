"""``Builder``: a graph that grows while a network of another form is read; the front ends share it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph, Op
from pointwise.model.graph.arrangement import Arrangement, axes_of
from pointwise.model.graph.ops import Add, Constant, Conv2d, Input, Linear, MatMul, Slice, Softmax
from pointwise.model.graph.value import FLOAT, Value
from pointwise.model.quantise.inputs import PIXELS, ROWS

from .expression import reordered
from .forms import in_forms, products_before_sums
from .graph import GraphNetwork
from .heads import head_by_head, query_factors, scale_queries
from .means import means_of_streams
from .norms import read_in_time, share_norms
from .rounded import Rounded
from .rows import Rows, rows_of, stretch
from .split import split_by_form
from .sums import one_by_one
from .symbol import Symbol

RAW = "input as it is given"
"""The value that stands for the network's input until something says how it is read as rows."""


class ReadTwice(PointwiseError):
    """A network reads its input in several arrangements, of which the host makes one."""


@dataclass(frozen=True)
class Part:
    """An operator that makes some channels of another one.

    Attributes:
        whole, name: of the other one, and its own. columns: (C,) which channels.
        factor: by which they were multiplied, one for all; None where anything else was done to them.
    """

    whole: str
    name: str
    columns: np.ndarray
    factor: float | None


class Builder:
    """Operators one after the other, by names that are for the time of building alone.

    Args:
        shape: of one input, as it is given.
        pixels: the input comes as rows of pixels, whatever reads it, and not as patches of the first layer.

    Attributes:
        ops: by name, in their order. shapes: (tokens, channels) by name, also of ``RAW``.
        pictures: height and width of values whose tokens are known to be pixels.
        layers: sums that are one layer of the network, whose inputs stand side by side.
        where: module and line of the source that is being read, for messages.
        module: the path of that module, after which operators are called.
        operator: that is being read, where it can be called.
        names: of weights, by their ids. sources: which of them layers are made of, by the layers' labels.
        parts: of operators that are rows of others, those of a head, each with what was done to them.
        finished: what became of operators: the final name by the one of building.
        query_factors: by which queries were multiplied in the end, by their final names.
        rounded: values that the source rounds, in order. reads: what it calls the first that is being read.
        followers: names of the operators of the source that read what is made.
    """

    operator: Callable[..., Any]

    def __init__(self, shape: tuple[int, ...], pixels: bool = False) -> None:
        self.shape, self.pixels = shape, pixels
        self.ops: dict[str, Op] = {}
        self.shapes: dict[str, tuple[int, int]] = {RAW: (1, torch.Size(shape).numel())}
        self.arrangements: dict[str, Arrangement] = {}
        self.pictures: dict[str, tuple[int, int]] = {}
        self.layers: set[str] = set()
        self.where = self.module = ""
        self._labels: dict[str, tuple[str, str]] = {}
        self._attentions: dict[str, int] = {}
        self._twins: dict[tuple[type[Op], tuple[str, ...]], list[str]] = {}
        self.names: dict[int, str] = {}
        self.sources: dict[str, dict[str, None]] = {}
        self.parts: list[Part] = []
        self.finished: dict[str, str] = {}
        self.query_factors: dict[str, float] = {}
        self.rounded: list[Rounded] = []
        self.reads = ""
        self.followers: set[str] = set()

    def given(self) -> Symbol:
        """The network's input, of its shape."""
        return Symbol.of(RAW, self.shape)

    def refused(self, what: str) -> PointwiseError:
        """The error that says what cannot be done at the place that is being read."""
        return PointwiseError(f"{self.where} {what}" if self.where else what)

    def add(self, op: Op, label: str, layer: str = "") -> str:
        """Append an operator, whose name is of no account, unless there is one that does the same.

        Args:
            label: the name that it would like in the graph. layer: see ``Op``; the same unless given.

        Returns:
            The name that it has here.
        """
        twins = self._twins.setdefault((type(op), op.inputs), [])
        for known in twins:
            if _same(op, self.ops[known]):
                return known
        op = replace(op, name=f"{len(self.ops)}:{label}", layer=layer or label)
        twins.append(op.name)
        self.ops[op.name] = op
        made = op.infer(*(self.value(name) for name in op.inputs))
        self.shapes[op.name] = made.shape
        self._picture(op)
        self._labels[op.name] = (label or "value", layer or label or "value")
        return op.name

    def _picture(self, op: Op) -> None:
        """Note the picture that a value is: that of its window, or of what it is made of pixel by pixel."""
        window = getattr(op, "window", None)
        if window is not None:
            self.pictures[op.name] = window.out_size
        for name in op.inputs:
            if name in self.pictures and self.shapes[name][0] == self.shapes[op.name][0]:
                self.pictures.setdefault(op.name, self.pictures[name])

    def add_layer(self, total: str, part: str, label: str) -> str:
        """The sum of what a layer makes of some of its inputs so far ("" at first) and of the next one."""
        if not total:
            return part
        made = self.add(Add("", (total, part)), f"{label}.add")
        self.layers.add(made)
        return made

    def label_of(self, weight: Tensor, otherwise: str) -> str:
        """The name of the module that a weight is of, or else one in the module that is being read."""
        name = self.names.get(id(weight), "")
        label = name.rpartition(".")[0] or f"{self.module}.{otherwise}".lstrip(".")
        if name:
            self.sources.setdefault(label, {})[name] = None
        return label

    def label(self, name: str) -> str:
        """What an operator would like to be called."""
        return self._labels[name.partition("'")[0]][0]

    def layer(self, name: str) -> str:
        """The layer of an operator."""
        return self._labels[name.partition("'")[0]][1]

    def symbol(self, name: str, places: Tensor | None = None) -> Symbol:
        """A value as a symbol: (tokens, channels), or with places in it."""
        return Symbol.of(name, self.shapes[name]) if places is None else Symbol((name,), places)

    def constant(self, values: Tensor, label: str = "constant") -> str:
        """A constant, (tokens, channels)."""
        return self.add(Constant("", values=values.double().numpy()), label)

    def rows(self, symbol: Symbol, what: str) -> Rows:
        """A symbol as rows of tokens; the input becomes rows by being asked for.

        Args:
            what: reads it, for the message.
        """
        if symbol.values == (RAW,):
            self.enter(symbol, what)
        found = rows_of(symbol, self.shapes)
        if found is None:
            raise self.refused(
                f"{what} a tensor whose last dimension is not the channels of one token each (its shape is "
                f"{tuple(symbol.shape)}); that is not known"
            )
        return found

    def enter(self, symbol: Symbol, what: str) -> None:
        """Make rows of the network's input, as a symbol has them; it is one of those rows from then on."""
        places = symbol.places.reshape(-1, symbol.shape[-1])
        tokens, channels = (axes_of(line.numpy()) for line in (places[:, 0], places[0]))
        regular = torch.equal(places, places[:, :1] + places[:1] - places[0, 0])
        if tokens is None or channels is None or not regular:
            raise self.refused(f"{what} the network's input in an irregular order; that is not known")
        arrangement = Arrangement(self.shape, tokens, channels, int(places[0, 0]))
        name = self.input(arrangement)
        symbol.becomes(
            Symbol(
                (name,),
                torch.arange(places.numel()).reshape(symbol.shape),
                reordered(symbol.expression, places.flatten()),
            )
        )

    def input(self, arrangement: Arrangement) -> str:
        """The operator ``Input`` with an arrangement, one for each."""
        for name, known in self.arrangements.items():
            if known == arrangement:
                return name
        made = Input("", shape=arrangement.row_shape, zero_rows=arrangement.zero_rows, dtype=FLOAT)
        name = self.add(made, "input")
        self.arrangements[name] = arrangement
        return name

    def tokens(self, rows: Rows, what: str) -> tuple[int, int]:
        """First and number of the tokens of rows."""
        found = stretch(rows.tokens)
        if found is None:
            raise self.refused(f"{what} tokens in another order than they have; that is not known")
        return found

    def tokens_of(self, name: str, first: int, count: int) -> str:
        """Some tokens of a value, which may be some of another's already."""
        op = self.ops[name]
        if isinstance(op, Slice):
            name, first = op.inputs[0], first + op.first
        return self.add(Slice("", (name,), first, count), f"{self.label(name)}.tokens")

    def of_heads(self, name: str) -> bool:
        """Whether a value is one of those that attention makes head by head."""
        op = self.ops.get(name)
        return isinstance(op, Softmax | MatMul)

    def is_context(self, name: str) -> bool:
        """Whether a value is what a head of attention makes: shares times values."""
        op = self.ops.get(name)
        return isinstance(op, MatMul) and isinstance(self.ops[op.inputs[0]], Softmax)

    def finish(self, output: str, name: str, info: dict[str, object]) -> GraphNetwork:
        """The network: what leads to an output, by the names that were asked for.

        Raises:
            ReadTwice: it reads its input in several ways.
            PointwiseError: it does not depend on it.
        """
        needed = self._needed(output)
        inputs = [op.name for op in needed if isinstance(op, Input)]
        if len(inputs) != 1:
            if inputs:
                raise ReadTwice(
                    f"The network {name} reads its input in more than one way; that is not known."
                )
            raise PointwiseError(f"The network {name} does not depend on its input; that is not known.")
        needed, output, wide = in_forms(self, *means_of_streams(self, needed, output))
        ops = head_by_head(one_by_one(split_by_form(needed, output, wide), output, wide))
        ops = products_before_sums(ops, wide)
        names = self._names(ops)
        ops = [
            replace(
                op,
                name=names[op.name],
                inputs=tuple(names[source] for source in op.inputs),
                # An operator of its own is a layer of its own.
                layer=names[op.name] if self.layer(op.name) == self.label(op.name) else self.layer(op.name),
            )
            for op in ops
        ]
        graph = Graph(name, tuple(ops), names[output], info)
        self.finished, self.query_factors = names, query_factors(graph)
        graph = read_in_time(share_norms(scale_queries(graph)))
        return GraphNetwork(graph, self.arrangements[inputs[0]])

    def _names(self, ops: Sequence[Op]) -> dict[str, str]:
        """What operators are called in the end: as they would like to, with a number where several would."""
        names: dict[str, str] = {}
        # What calibration calls the input itself.
        taken = {PIXELS, ROWS}
        for op in ops:
            label, number = self.label(op.name), 1
            while (free := label if number == 1 else f"{label}.{number}") in taken:
                number += 1
            taken.add(free)
            names[op.name] = free
        return names

    def _needed(self, output: str) -> list[Op]:
        """The operators that an output needs, in their order."""
        wanted, waiting = set(), [output]
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting += self.ops[name].inputs
        return [op for op in self.ops.values() if op.name in wanted]

    def value(self, name: str) -> Value:
        """Shape and type of a value."""
        return Value(self.shapes[name], FLOAT)

    def attention(self) -> str:
        """A name for an attention of the module that is being read, another one for each."""
        stem = self.module or "attention"
        self._attentions[stem] = number = self._attentions.get(stem, 0) + 1
        return stem if number == 1 else f"{stem}.{number}"


def _same(one: Op, other: Op) -> bool:
    """Whether two operators of a type, which read the same, do the same."""
    apart = {"name", "layer", "quantisation"}
    names = [part.name for part in fields(one) if part.name not in apart]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def vector(numbers: float | Tensor, places: np.ndarray | Tensor, count: int) -> np.ndarray | None:
    """Numbers of elements as one for each column, (columns,), or None where rows of a column differ.

    Args:
        numbers: one, or by place. places: (rows, columns). count: of columns.
    """
    if not isinstance(numbers, Tensor):
        return np.full(count, numbers)
    found = numbers[torch.as_tensor(places)].numpy()
    return found[0] if np.array_equal(found, np.broadcast_to(found[:1], found.shape)) else None


def weights(op: Conv2d | Linear) -> tuple[np.ndarray, np.ndarray]:
    """(N, K, …) and (N,) of a product with constants, which has both while a network is read."""
    assert op.weight is not None and op.bias is not None
    return op.weight, op.bias
