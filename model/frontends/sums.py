"""Sums of several terms, as the core adds them: to a stream in its place, one product after the other."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from pointwise.model.graph import Op
from pointwise.model.graph.ops import Activation, Add, Constant, Conv2d, Linear, MatMul, MeanPool

PRODUCTS = Activation | Conv2d | Linear | MatMul | MeanPool
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
    gone: set[str] = set()
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
        terms, folded = _constants_in_biases(by_name, terms, fresh)
        gone |= {*folded, *(one.name for one in sums[: len(folded)])}
        first, *rest = sorted(terms, key=fresh)
        sums = sums[len(folded) :]
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
        elif op.name not in moved and op.name not in gone:
            found.append(op)
    return found


def _constants_in_biases(
    by_name: dict[str, Op], terms: Sequence[str], fresh: Callable[[str], bool]
) -> tuple[list[str], list[str]]:
    """The terms of a sum without constants that are the same for every token, which a layer's bias takes up.

    Args:
        by_name: the layer is another one in it afterwards. fresh: whether nothing else reads a product.

    Returns:
        The terms that are left, and those that are folded: none where no layer is among the terms.
    """
    layer = next((name for name in terms if isinstance(by_name[name], Linear | Conv2d) and fresh(name)), None)
    folded: list[str] = []
    if layer is None or len(terms) < 3:
        return list(terms), folded
    for name in terms:
        op = by_name[name]
        if isinstance(op, Constant) and not np.ptp(op.values, axis=0).any() and len(terms) - len(folded) > 2:
            made = by_name[layer]
            assert isinstance(made, Linear | Conv2d) and made.bias is not None
            by_name[layer] = replace(made, bias=made.bias + op.values[0])
            folded.append(name)
    return [name for name in terms if name not in folded], folded
