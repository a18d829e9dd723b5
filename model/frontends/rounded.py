"""Values that a file rounds: which of a network's values they are, and with which integers.

A pair of QuantizeLinear and DequantizeLinear computes nothing that the graph of real numbers has. Each is
noted where it is read; what became of its value is known when all is read, and told then.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pointwise.hw.contract.legal import CHANNEL_SHIFTS
from pointwise.model.graph import Quantisation
from pointwise.model.graph.ops import LayerNorm, MeanPool
from pointwise.model.graph.passes.fold_clamps import fold_clamps
from pointwise.model.quantise.taken import ZERO_CLOSE, Given

from .expression import Affine
from .expression import Numbers as Tensors
from .symbol import Symbol

if TYPE_CHECKING:
    from .builder import Builder
    from .graph import GraphNetwork

Numbers = float | np.ndarray
"""One for all channels, or (channels,)."""


@dataclass(frozen=True)
class Rounded:
    """A value that is rounded.

    Attributes:
        name: of the value in the file. symbol: which it is, also after others have read it.
        step, zero_point: real = step · (integer − zero_point), of an int8; the integer that stands for 0
            need not be whole, nor the same for all channels.
    """

    name: str
    symbol: Symbol
    step: float
    zero_point: Numbers

    def less(self, offset: Numbers) -> "Rounded":
        """The same integers of a value from which ``offset`` was taken away, one or one for each channel."""
        return replace(self, zero_point=self.zero_point + offset / self.step)

    def quantisation(self, factor: Numbers = 1.0) -> Quantisation:
        """Of ``factor`` times the value, one or one for each channel."""
        whole = np.rint(self.zero_point)
        if np.ptp(whole) == 0 and (np.abs(self.zero_point - whole) < ZERO_CLOSE).all():
            return Quantisation(self.step * factor, int(np.max(whole)))
        return Quantisation(self.step * factor, 0, -self.zero_point * self.step * factor)


def settled(build: "Builder", made: "GraphNetwork") -> tuple[tuple[Given, ...], dict[str, Quantisation]]:
    """What became of the values that a file rounds.

    Args:
        made: of the builder, whose names tell where the values are.

    Returns:
        All of them in order, and by the names of operators the integers that the core can take.
    """
    found: dict[str, Quantisation | None] = {}
    owners: dict[str, Rounded] = {}
    places = [list(_places(build, made, one)) for one in build.rounded]
    folded = fold_clamps(made.graph)
    for index, one in enumerate(build.rounded):
        # A clamp is done by the operator in front of it.
        places[index] = [
            (name if name in folded else made.graph[name].inputs[0], made_of)
            for name, made_of in places[index]
        ]
        for name, quantisation in places[index]:
            owners[name], found[name] = one, quantisation
    given = []
    for one, its in zip(build.rounded, places, strict=True):
        names = tuple(name for name, owner in owners.items() if owner is one)
        if names or not any(_same(one, owners[name]) for name, _ in its):
            given.append(Given(one.name, one.step, float(np.mean(one.zero_point)), names))
    return tuple(given), {name: one for name, one in found.items() if one is not None}


def _same(one: Rounded, other: Rounded) -> bool:
    """Whether what moves elements is all that lies between two of them."""
    return one.step == other.step and np.array_equal(one.zero_point, other.zero_point)


def _places(
    build: "Builder", made: "GraphNetwork", one: Rounded
) -> Iterator[tuple[str, Quantisation | None]]:
    """The operators of the network that make a value, and the integers of what they make; None where the
    core has no such integers."""
    expression = one.symbol.expression
    if not isinstance(expression, Affine):
        return
    if one.symbol.values[0] not in build.ops or one.symbol.values[0] in build.arrangements:
        if (entered := _entered(build, made, one, expression)) is not None:
            yield made.graph.input.name, entered
        return
    start = 0
    for value in one.symbol.values:
        tokens, channels = build.shapes[value]
        places = one.symbol.places
        inside = places[(places >= start) & (places < start + tokens * channels)] - start
        factor = _by_column(expression.factor, start, inside, channels)
        offset = _by_column(expression.offset, start, inside, channels)
        start += tokens * channels
        if factor is None or offset is None or np.min(factor) <= 0:
            continue
        columns = np.unique((inside % channels).numpy())
        yield from _made_of(build, made, one, value, columns, factor, offset)


def _made_of(
    build: "Builder",
    made: "GraphNetwork",
    one: Rounded,
    value: str,
    columns: np.ndarray,
    factor: Numbers,
    offset: Numbers,
) -> Iterator[tuple[str, Quantisation | None]]:
    """The final operators of one value of building, of which some ``columns``, times ``factor`` and with
    ``offset``, are rounded."""
    op, normal = build.ops[value], isinstance(build.ops[value], LayerNorm)
    uniform = isinstance(factor, float)
    plain = uniform and not np.any(offset)
    one = one if plain else one.less(offset)
    # What the weights behind it take in anyway may differ from channel to channel.
    folded = build.is_context(value) or isinstance(op, MeanPool)
    fits = (factor == 1 if normal else plain) or folded or (uniform and build.of_heads(value))
    if fits and len(columns) == build.shapes[value][1]:
        # Read in several forms, a layer is there several times, whose names begin alike.
        for again, name in build.finished.items():
            if again.partition("'")[0] == value and name in made.graph:
                found = _normalised(op, one) if isinstance(op, LayerNorm) else one.quantisation(1 / factor)
                if folded and found is not None and np.any(found.offset):
                    found = replace(found, offset=np.broadcast_to(found.offset, len(columns)))
                yield name, found
    for part in build.parts if plain else ():
        if part.whole == value and part.factor and np.isin(part.columns, columns).all():
            name = build.finished.get(part.name, "")
            if name in made.graph:
                yield name, one.quantisation(part.factor / factor * build.query_factors.get(name, 1.0))


def _by_column(numbers: Tensors, start: int, inside: Tensor, channels: int) -> Numbers | None:
    """Numbers of the elements of one value as one for all, or (channels,); None where a column's differ.

    Args:
        numbers: one, or by place among all values. start: of this one's. inside: places in it that count.
    """
    if not isinstance(numbers, Tensor):
        return float(numbers)
    own, columns = numbers[start + inside].numpy(), (inside % channels).numpy()
    found = np.ones(channels)
    found[columns] = own
    if not np.array_equal(found[columns], own):
        return None
    return float(own[0]) if (own == own[0]).all() else found


def _normalised(op: LayerNorm, one: Rounded) -> Quantisation | None:
    """Of normalised numbers in front of γ, where that is none, or powers of two which the core has too."""
    weight = np.ones(1) if op.weight is None else np.asarray(op.weight)
    if np.any(op.bias) or (weight <= 0).any():
        return None
    shift = -np.log2(weight)
    if (shift % 1).any() or shift.min() < CHANNEL_SHIFTS[0] or shift.max() > CHANNEL_SHIFTS[1]:
        return None
    return replace(one.quantisation(), scale=one.step * 2.0**shift, zero_point=0)


def _entered(build: "Builder", made: "GraphNetwork", one: Rounded, expression: Affine) -> Quantisation | None:
    """Of the network's input, whose rounding may follow what normalises its colours; None where it differs
    from token to token."""
    raw = one.symbol.values[0] not in build.ops
    factor, offset = (_by_channel(made, numbers, raw) for numbers in (expression.factor, expression.offset))
    if factor is None or offset is None:
        return None
    whole = one.quantisation()
    return Quantisation(whole.scale / factor, whole.zero_point, (whole.offset - offset) / factor)


def _by_channel(made: "GraphNetwork", numbers: Tensors, raw: bool) -> Numbers | None:
    """Numbers of all elements of the input as one, or one for each channel of its rows."""
    if not isinstance(numbers, torch.Tensor):
        return float(numbers)
    if raw:
        shape = made.arrangement.shape
        rows, there = (
            made.arrangement.rows(part.reshape(1, *shape).numpy())[0]
            for part in (numbers, torch.ones_like(numbers))
        )
    else:
        rows = numbers.reshape(-1, made.graph.input.shape[1]).numpy()
        there = np.ones_like(rows)
    first = rows[there.argmax(axis=0), np.arange(rows.shape[1])]
    return first if np.array_equal(np.where(there, rows, first), np.broadcast_to(first, rows.shape)) else None
