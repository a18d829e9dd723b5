"""Rows of channels in a symbol: which values stand side by side, and which of their tokens and channels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .symbol import Symbol


@dataclass(frozen=True)
class Origin:
    """Where each element of a matrix of places comes from, (rows, columns) each.

    Attributes:
        value: index of the value. token, channel: in it.
    """

    value: np.ndarray
    token: np.ndarray
    channel: np.ndarray


@dataclass(frozen=True)
class Rows:
    """A matrix whose rows are tokens.

    Attributes:
        values: that stand side by side, in the order of their first columns.
        tokens: (rows,) of all of them.
        columns: (columns,) places in the channels of the values, one value after the other.
        widths: channels of each value.
    """

    values: tuple[str, ...]
    tokens: np.ndarray
    columns: np.ndarray
    widths: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """All channels, in their order."""
        return np.array_equal(self.columns, np.arange(sum(self.widths)))


def origin(symbol: Symbol, shapes: Mapping[str, tuple[int, int]], columns: int) -> Origin:
    """Where the elements of a symbol come from, seen as a matrix with so many columns."""
    sizes = [shapes[name][0] * shapes[name][1] for name in symbol.values]
    starts = np.cumsum([0, *sizes])
    places = symbol.places.reshape(-1, columns).numpy()
    value = np.searchsorted(starts, places, side="right") - 1
    channels = np.array([shapes[name][1] for name in symbol.values])[value]
    token, channel = np.divmod(places - starts[value], channels)
    return Origin(value, token, channel)


def rows_of(symbol: Symbol, shapes: Mapping[str, tuple[int, int]], columns: int | None = None) -> Rows | None:
    """A symbol as rows of tokens, or None if it is none: a row holds channels of several tokens, or other
    channels than the next one.

    Args:
        shapes: (tokens, channels) of values by name. columns: the last dimension unless given.
    """
    found = origin(symbol, shapes, columns or symbol.shape[-1])
    regular = (
        (found.token == found.token[:, :1]).all()
        and (found.value == found.value[:1]).all()
        and (found.channel == found.channel[:1]).all()
    )
    if not regular:
        return None
    order = list(dict.fromkeys(found.value[0].tolist()))
    names = tuple(symbol.values[index] for index in order)
    widths = tuple(shapes[name][1] for name in names)
    starts = dict(zip(order, np.cumsum([0, *widths]), strict=False))
    first = np.array([starts[index] for index in found.value[0].tolist()])
    return Rows(names, found.token[:, 0], first + found.channel[0], widths)


def stretch(tokens: np.ndarray) -> tuple[int, int] | None:
    """First and number of tokens that follow each other, or None if they do not."""
    if np.array_equal(tokens, np.arange(tokens[0], tokens[0] + len(tokens))):
        return int(tokens[0]), len(tokens)
    return None
