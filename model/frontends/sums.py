"""Sums of several terms, as the core adds them: to a stream in its place, one product after the other."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from pointwise.model.graph import Op
from pointwise.model.graph.ops import Activation, Add, Conv2d, Linear, MatMul

PRODUCTS = Activation | Conv2d | Linear | MatMul
"""What is added on its way out of the array."""


def one_by_one(ops: Sequence[Op], output: str, wide: Collection[str]) -> list[Op]:
    """The operators with sums of several terms, as x + (a + (b + c)), put as ((x + a) + b) + c.

    The last product of each branch comes right before its addition, so that all branches read x before.

    Args:
        output: name of the network's result, which stays a sum of its own.
        wide: names of the sums of 16 bits, which alone are done in their place.
    """
    by_name = {op.name: op for op in ops}
    readers: dict[str, list[Op]] = {op.name: [] for op in ops}
    for op in ops:
        for name in op.inputs:
            readers[name].append(op)

    def inner(name: str) -> bool:
        """It is a sum that is nothing but a part of another one."""
        alone = len(readers[name]) == 1 and name != output
        return name in wide and alone and isinstance(readers[name][0], Add)

    def fresh(name: str) -> bool:
        return isinstance(by_name[name], PRODUCTS) and len(readers[name]) == 1

    def late(name: str) -> list[Op]:
        """What makes a term, to be done when it is added: the stream is changed in its place then."""
        op = by_name[name]
        if not fresh(name):
            return []
        return [*late(op.inputs[0]), op] if isinstance(op, Activation) else [op]

    chains: dict[str, list[Op]] = {}
    for root in ops:
        if not isinstance(root, Add) or root.name not in wide or inner(root.name):
            continue
        sums: list[Op] = [root]
        terms, waiting = [], list(root.inputs)
        while waiting:
            name = waiting.pop(0)
            if inner(name):
                sums.insert(0, by_name[name])
                waiting = [*by_name[name].inputs, *waiting]
            else:
                terms.append(name)
        if len(sums) == 1:
            continue
        first, *rest = sorted(terms, key=fresh)
        chain = []
        for one, term in zip(sums, rest, strict=True):
            chain += [*late(term), replace(one, inputs=(first, term))]
            first = one.name
        chains[root.name] = chain
    moved = {one.name for chain in chains.values() for one in chain}
    found: list[Op] = []
    for op in ops:
        if op.name in chains:
            found += chains[op.name]
        elif op.name not in moved:
            found.append(op)
    return found
