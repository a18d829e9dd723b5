"""Means of the tokens of a stream: sums of the means of all that was added to it.

A stream has 16 bits, which nothing but a LayerNorm reads; means are products and read bytes. But the mean of
a sum is the sum of the means, and each of its terms is what a product makes, also as bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pointwise.model.graph import Op
from pointwise.model.graph.ops import Add, Constant, LayerNorm, Linear, MeanPool, Slice

if TYPE_CHECKING:
    from .builder import Builder


def means_of_streams(build: "Builder", ops: Sequence[Op], output: str) -> tuple[list[Op], str]:
    """The operators with the mean of each stream taken term by term.

    Args:
        output: name of the network's result.

    Returns:
        The operators that are needed, in order, and the name of the result.
    """
    by_name = {op.name: op for op in ops}
    streams = _streams(ops)
    renamed: dict[str, str] = {}
    made: list[Op] = []
    for op in ops:
        inputs = tuple(renamed.get(name, name) for name in op.inputs)
        op = op if inputs == op.inputs else replace(op, inputs=inputs)
        found = _mean_of(build, by_name, op) if isinstance(op, MeanPool) else None
        if found is None or found[0] not in streams:
            made.append(op)
            continue
        added = list(_term_by_term(build, by_name, *found, build.label(op.name)))
        made += added
        renamed[op.name] = added[-1].name
    return _needed(made, renamed.get(output, output)), renamed.get(output, output)


def _streams(ops: Sequence[Op]) -> set[str]:
    """Sums that a LayerNorm reads, and all that they are made of or go into."""
    beside: dict[str, set[str]] = {op.name: set() for op in ops if isinstance(op, Add)}
    waiting: list[str] = []
    for op in ops:
        for name in op.inputs:
            if name in beside and isinstance(op, Add):
                beside[name].add(op.name)
                beside[op.name].add(name)
            elif name in beside and isinstance(op, LayerNorm):
                waiting.append(name)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += beside[name]
    return found


def _mean_of(build: "Builder", by_name: dict[str, Op], op: MeanPool) -> tuple[str, int] | None:
    """The sum that a mean is taken of, through copies and choices of tokens, and its first token.

    None where it is taken of anything else, or not of all tokens to the last.
    """
    first, name = op.first, op.inputs[0]
    while not isinstance(source := by_name[name], Add):
        if isinstance(source, Slice) and source.first + source.count == build.shapes[source.inputs[0]][0]:
            first += source.first
        elif not (isinstance(source, Linear) and _is_copy(source)):
            return None
        name = source.inputs[0]
    return name, first


def _is_copy(op: Linear) -> bool:
    weight, bias = np.asarray(op.weight), np.asarray(op.bias)
    return not bias.any() and np.array_equal(weight, np.eye(len(weight)))


def _term_by_term(
    build: "Builder", by_name: dict[str, Op], total: str, first: int, label: str
) -> Iterator[Op]:
    """The mean of each term of a sum from a token on, and the sum of the means, which comes last."""
    terms = list(_terms(by_name, total))
    constants = [np.asarray(op.values) for op in map(by_name.__getitem__, terms) if isinstance(op, Constant)]
    so_far = ""
    if constants:
        values = np.sum([part[first:].mean(axis=0, keepdims=True) for part in constants], axis=0)
        so_far = build.add(Constant("", values=values), f"{label}.start")
        yield build.ops[so_far]
    for name in terms:
        if isinstance(by_name[name], Constant):
            continue
        mean = build.add(MeanPool("", (name,), first), f"{build.label(name)}.mean")
        yield build.ops[mean]
        if so_far:
            mean = build.add(Add("", (so_far, mean)), f"{label}.add")
            yield build.ops[mean]
        so_far = mean


def _terms(by_name: dict[str, Op], total: str) -> Iterator[str]:
    """What a sum is made of, sums of sums taken apart."""
    waiting = [total]
    while waiting:
        name = waiting.pop(0)
        if isinstance(by_name[name], Add):
            waiting = [*by_name[name].inputs, *waiting]
        else:
            yield name


def _needed(ops: Sequence[Op], output: str) -> list[Op]:
    """The operators that lead to a result, each once."""
    by_name, wanted, waiting = {op.name: op for op in ops}, set(), [output]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += by_name[name].inputs
    return [op for op in by_name.values() if op.name in wanted]
