"""Linear layers whose result is read in several forms: one for each form."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from pointwise.model.graph import Op
from pointwise.model.graph.ops import Activation, Concat, LayerNorm, Linear, MatMul, Slice, Softmax

STREAM, BYTE = "stream", "byte"
"""Forms of a value beside those of functions, which are called by the operator's name."""


def split_by_form(ops: Sequence[Op], output: str, wide: Collection[str]) -> list[Op]:
    """The operators with a linear layer made again for each form in which its result is read.

    What is added to a stream or normalised has 16 bits, what enters a product or a sum of bytes 8, and a
    function is looked up on the way out of the array. A network in which, say, a residual branch and a
    function read the same layer is so computed by the core without a loss, at the price of that layer. Only
    of what attention makes there is one layer: it is made as bytes, and others read copies of these.

    Args:
        output: name of the result, which is of the first form. wide: names of sums of 16 bits.
    """
    readers: dict[str, list[Op]] = {op.name: [] for op in ops}
    for op in ops:
        for name in dict.fromkeys(op.inputs):
            readers[name].append(op)
    by_name = {op.name: op for op in ops}
    made: list[Op] = []
    renamed: dict[tuple[str, str], str] = {}
    for op in ops:
        inputs = tuple(renamed.get((name, op.name), name) for name in op.inputs)
        op = op if inputs == op.inputs else replace(op, inputs=inputs)
        made.append(op)
        if not isinstance(op, Linear):
            continue
        forms: dict[str, list[Op]] = {STREAM: []} if op.name == output else {}
        for reader in readers[op.name]:
            forms.setdefault(form(reader, wide), []).append(reader)
        again, more = op, list(forms.items())[1:]
        if more and _reads_attention(by_name, op.inputs[0]):
            width = len(np.asarray(op.weight))
            again = Linear("", (op.name,), np.eye(width), np.zeros(width))
            more = [(kind, those) for kind, those in forms.items() if kind != BYTE]
        for number, (_, those) in enumerate(more, start=1):
            again = replace(again, name=f"{op.name}'{number}")
            made.append(again)
            renamed |= {(op.name, reader.name): again.name for reader in those}
    return made


def _reads_attention(by_name: dict[str, Op], name: str) -> bool:
    """Whether a value is what heads of attention make, alone or side by side."""
    op = by_name[name]
    if isinstance(op, Concat | Slice):
        return all(_reads_attention(by_name, source) for source in op.inputs)
    return isinstance(op, MatMul) and isinstance(by_name[op.inputs[0]], Softmax)


def form(reader: Op, wide: Collection[str]) -> str:
    """What a reader wants: one for all streams and one for all products, one for each function.

    Args:
        wide: names of sums of 16 bits.
    """
    if isinstance(reader, LayerNorm) or reader.name in wide:
        return STREAM
    return reader.name if isinstance(reader, Activation) else BYTE
