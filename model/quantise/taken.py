"""What became of the integers that a file gives its values: which were taken as they are, which not, and why.

The core adds up a residual stream of 16 bits, normalises in front of γ and β, and makes sums of bytes at
whole factors; a file that another program has quantised knows nothing of that. What it cannot take is told
value by value.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pointwise.model.graph import Graph, Op, Quantisation
from pointwise.model.graph.ops import Add, LayerNorm, MatMul, MaxPool, Softmax
from pointwise.model.integer.rounding import INT8

INFO = "given_integers"
"""Where ``info`` of a network has them."""
CLOSE = 1e-6
"""Part by which steps may differ that are the same in float32."""
ZERO_CLOSE = 1e-3
"""Part of a step by which the integer that stands for 0 may miss a whole number."""


@dataclass(frozen=True)
class Given:
    """A value that a file rounds.

    Attributes:
        name: of the value in the file. step, zero_point: real = step · (integer − zero_point), of an int8.
        operators: that make it, by their names; none where nothing of the network is that value.
    """

    name: str
    step: float
    zero_point: float
    operators: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class GivenWeights:
    """Weights that a file has in integers, or a part of them.

    Attributes:
        name: in the file. said: what they are there, for people. operator: that reads them, by its name.
        integers: int8, of the shape of the operator's weights; None where it cannot take them.
        reason: why it cannot, or would not.
    """

    name: str
    said: str
    operator: str
    integers: np.ndarray | None
    reason: str


@dataclass(frozen=True)
class Change:
    """A value that is not rounded as the file says, or weights that are not the file's.

    Attributes:
        name: in the file. given, made: what the file says of its integers, and what they are. reason: why.
    """

    name: str
    given: str
    made: str
    reason: str


def noted(
    network: Graph,
    given: Sequence[Given],
    fixed: dict[str, Quantisation],
    weights: Sequence[GivenWeights] = (),
) -> dict[str, Any]:
    """What ``info`` of integers says: how many values and weights are as the file has them, and the others.

    Args:
        given: all values that the file rounds. fixed: their integers by the names of operators.
        weights: all that it has in integers.
    """
    by_name: dict[str, list[GivenWeights]] = {}
    for one in weights:
        by_name.setdefault(one.name, []).append(one)
    changes = [change for one in given if (change := _change(network, one, fixed)) is not None]
    changes += [change for parts in by_name.values() if (change := _changed(network, parts)) is not None]
    taken = len(given) + len(by_name) - len(changes)
    return {"taken": taken, "changed": [asdict(change) for change in changes]}


def _changed(network: Graph, parts: Sequence[GivenWeights]) -> Change | None:
    """What became of weights of one name, which several operators may have; None if they are the file's."""
    differ, count, reason = 0, 0, ""
    for one in parts:
        made = np.asarray(getattr(network[one.operator], "weight", None))
        # Of other integers that an operator cannot take, nobody knows which were alike.
        other = made.size if one.integers is None else int((made != one.integers).sum())
        differ, count = differ + other, count + made.size
        reason = reason or one.reason if other else reason
    if not differ:
        return None
    made = "int8, rounded anew" if differ == count else f"int8, {differ:,} of {count:,} differ"
    return Change(parts[0].name, parts[0].said, made, reason)


def changes_of(network: Graph) -> tuple[int, list[Change]]:
    """How many values and weights are as a file has them, and what was changed: (0, []) of other networks."""
    told = network.info.get(INFO, {"taken": 0, "changed": []})
    return told["taken"], [Change(**change) for change in told["changed"]]


def _change(network: Graph, one: Given, fixed: dict[str, Quantisation]) -> Change | None:
    said = f"int8, step {one.step:.4g}, zero {round(one.zero_point, 1):g}"
    if not one.operators:
        return Change(one.name, said, "not rounded", "is worked out in one go with what follows it")
    changed = [
        op for op in map(network.__getitem__, one.operators) if not _as_given(op, fixed.get(op.name), one)
    ]
    if not changed:
        return None
    made = "exponentials" if isinstance(changed[0], Softmax) else _shown(changed)
    return Change(one.name, said, made, _reason(network, changed[0], one))


def _dtype(op: Op) -> str:
    return "int8" if isinstance(op, LayerNorm) else getattr(op, "dtype", "int8")


def _as_given(op: Op, wanted: Quantisation | None, one: Given) -> bool:
    """Whether the integers of an operator stand for what the file says."""
    if wanted is None or _dtype(op) == "int16":
        return False
    made, moved = op.quantisation, 0 if _dtype(op) == "int8" else INT8[0]
    meant = one.zero_point if isinstance(op, LayerNorm) else wanted.zero
    same = np.abs(np.asarray(made.scale) / wanted.scale - 1) < CLOSE
    return bool(same.all() and (np.abs(made.zero + moved - meant) < ZERO_CLOSE).all())


def _shown(ops: Sequence[Op]) -> str:
    """The integers of what some operators make, of all together."""
    steps = np.concatenate([np.atleast_1d(np.asarray(op.quantisation.scale, np.float64)) for op in ops])
    zeros = np.concatenate([np.atleast_1d(op.quantisation.zero) for op in ops])
    least, most = steps.min(), steps.max()
    step = f"step {least:.4g}" if np.isclose(least, most) else f"steps {least:.4g} to {most:.4g}"
    if np.ptp(zeros) > ZERO_CLOSE:
        return f"{_dtype(ops[0])}, {step}, a middle for each channel"
    return f"{_dtype(ops[0])}, {step}, zero {round(float(zeros[0]), 1):g}"


def _reason(network: Graph, op: Op, one: Given) -> str:
    """Why an operator makes other integers than the file says."""
    readers = network.readers[op.name]
    if _dtype(op) == "int16":
        if op.name == network.output:
            return "is the network's result, which has 16 bits"
        if any(isinstance(reader, Add) and reader.dtype != "int16" for reader in readers):
            return "is added before it is rounded to a byte"
        return "is added to a residual stream, which has 16 bits"
    if isinstance(op, LayerNorm):
        return "is rounded before γ and β, which the weights behind it take in; its zero is the integer 0"
    if isinstance(op, MaxPool):
        return "has the integers of what it is the largest of"
    if op.quantisation.zero_point == INT8[0] != one.zero_point:
        return "is clamped by the ends of its range, so that 0 is the least integer"
    if isinstance(op, Add):
        return "is a sum of bytes, whose step is that of one of them times 2^n / 1..7"
    if isinstance(op, Softmax):
        return "is looked up in 8 bits, and divided by the sum of the row one product later"
    if isinstance(op, MatMul):
        return "is scores, whose rows the zero of the keys shifts"
    if any(isinstance(reader, MatMul) and reader.inputs[0] == op.name for reader in readers):
        return "is what streams through the array, where two values are multiplied: it has no zero point"
    return "has another range by the form of its operator"
