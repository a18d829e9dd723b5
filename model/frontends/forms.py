"""Values in the form that their readers want: copies, where the product that makes one cannot make both.

The core adds and normalises streams of 16 bits; all else are bytes. Sums are of one kind as a whole: where
any of those that are added to each other is read by a product, all are of bytes.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pointwise.model.graph import Graph, Op
from pointwise.model.graph.clamps import CLAMPS
from pointwise.model.graph.ops import Activation, Add, Conv2d, Linear, MaxPool, MeanPool, Slice
from pointwise.model.quantise.patterns import sums_of_bytes

from .split import BYTE, STREAM, form

if TYPE_CHECKING:
    from .builder import Builder


def in_forms(build: "Builder", ops: Sequence[Op], output: str) -> tuple[list[Op], str, set[str]]:
    """The operators with copies of values that are wanted in a form that their operator does not give.

    Linear layers are left to ``split_by_form``, which makes them again.

    Returns:
        The operators, the name of the result, and the names of the sums of 16 bits.
    """
    done = _Forms(build, ops, output)
    return done.ops, done.output, done.wide


def products_before_sums(ops: Sequence[Op], wide: Collection[str]) -> list[Op]:
    """The operators with the last product of each sum of bytes right before it: the sum is done on its way
    out, when what it is added to is there."""
    readers: dict[str, list[str]] = {}
    place = {op.name: index for index, op in enumerate(ops)}
    for op in ops:
        for name in dict.fromkeys(op.inputs):
            readers.setdefault(name, []).append(op.name)
    by_name = {op.name: op for op in ops}
    late: dict[str, Op] = {}
    for op in ops:
        if isinstance(op, Add) and op.name not in wide:
            fresh = [
                name
                for name in op.inputs
                if isinstance(by_name[name], Conv2d | Linear) and readers[name] == [op.name]
            ]
            if fresh:
                late[op.name] = by_name[max(fresh, key=place.__getitem__)]
    moved = {op.name for op in late.values()}
    found: list[Op] = []
    for op in ops:
        if op.name not in moved:
            found += [late[op.name], op] if op.name in late else [op]
    return found


class _Forms:
    def __init__(self, build: "Builder", ops: Sequence[Op], output: str) -> None:
        self.build, self.given = build, {op.name: op for op in ops}
        graph = Graph("", tuple(ops), output)
        self.readers = graph.readers
        self.wide = {op.name for op in ops if isinstance(op, Add)} - sums_of_bytes(graph)
        self.copies: dict[tuple[str, str], str] = {}
        self.ops: list[Op] = []
        for op in ops:
            self.ops.append(self._renamed(op))
            self._copies(op, output)
        self.output = self.copies.get((output, STREAM), output)

    def _renamed(self, op: Op) -> Op:
        """An operator that reads copies where there are any, and of bytes adds a product."""
        last = self._at_last(op) if isinstance(op, Slice) else []
        wanted = form(last[0] if last else op, self.wide)
        inputs = tuple(self.copies.get((name, wanted), name) for name in op.inputs)
        if isinstance(op, Add) and op.name not in self.wide and not any(map(self._fresh, inputs, [op] * 2)):
            inputs = (inputs[0], self._copied(inputs[1]))
        return op if inputs == op.inputs else replace(op, inputs=inputs)

    def _fresh(self, name: str, reader: Op) -> bool:
        """Whether a value is a product that nothing else reads: copies are."""
        op = self.given.get(name)
        return op is None or (isinstance(op, Conv2d | Linear) and self.readers[name] == (reader,))

    def _copies(self, op: Op, output: str) -> None:
        """Copies for those readers of a value whose form it does not have."""
        if not isinstance(op, Activation | Add | Conv2d | MaxPool | MeanPool) or op.name in self.wide:
            return
        wanted = list(dict.fromkeys(form(reader, self.wide) for reader in self._at_last(op)))
        if op.name == output:
            wanted.append(STREAM)
        if len(wanted) == 1 and self._makes(op, wanted[0]):
            return
        for one in wanted:
            if one != BYTE:
                self.copies[op.name, one] = self._copied(op.name)

    def _at_last(self, op: Op) -> list[Op]:
        """What reads a value, or some of its tokens."""
        found: list[Op] = []
        for reader in self.readers[op.name]:
            found += self._at_last(reader) if isinstance(reader, Slice) else [reader]
        return found

    def _makes(self, op: Op, wanted: str) -> bool:
        """Whether an operator can make a value of a form and of no other."""
        if wanted == STREAM:
            return isinstance(op, Conv2d | MeanPool)
        if wanted == BYTE or isinstance(op, Conv2d):
            return True
        reader = self.given[wanted]
        return isinstance(op, Add) and isinstance(reader, Activation) and reader.function in CLAMPS

    def _copied(self, name: str) -> str:
        """A value again, as a linear layer makes it."""
        width = self.build.shapes[name][1]
        made = self.build.add(
            Linear("", (name,), np.eye(width), np.zeros(width)), f"{self.build.label(name)}.copy"
        )
        self.ops.append(self.build.ops[made])
        return made
