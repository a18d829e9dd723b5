"""Linear layers whose result is read in several forms: one for each form."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from pointwise.model.graph import Op
from pointwise.model.graph.ops import Activation, LayerNorm, Linear

STREAM, BYTE = "stream", "byte"
"""Forms of a value beside those of functions, which are called by the operator's name."""


def split_by_form(ops: Sequence[Op], output: str, wide: Collection[str]) -> list[Op]:
    """The operators with a linear layer made again for each form in which its result is read.

    What is added to a stream or normalised has 16 bits, what enters a product or a sum of bytes 8, and a
    function is looked up on the way out of the array. A network in which, say, a residual branch and a
    function read the same layer is so computed by the core without a loss, at the price of that layer.

    Args:
        output: name of the result, which is of the first form. wide: names of sums of 16 bits.
    """
    readers: dict[str, list[Op]] = {op.name: [] for op in ops}
    for op in ops:
        for name in dict.fromkeys(op.inputs):
            readers[name].append(op)
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
        for number, (_, those) in enumerate(list(forms.items())[1:], start=1):
            again = replace(op, name=f"{op.name}'{number}")
            made.append(again)
            renamed |= {(op.name, reader.name): again.name for reader in those}
    return made


def form(reader: Op, wide: Collection[str]) -> str:
    """What a reader wants: one for all streams and one for all products, one for each function.

    Args:
        wide: names of sums of 16 bits.
    """
    if isinstance(reader, LayerNorm) or reader.name in wide:
        return STREAM
    return reader.name if isinstance(reader, Activation) else BYTE
