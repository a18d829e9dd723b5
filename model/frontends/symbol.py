"""``Symbol``: a tensor of a network that is read, and where each element lies in the graph's values.

Views, transpositions, reshapes, chunks and heads are no operators of the graph: each only says anew where an
element lies. So what moves elements is carried out on a tensor of places, and what reads a symbol looks at
the places to see whether they are rows of channels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .expression import IDENTITY, Expression


@dataclass(eq=False)
class Symbol:
    """A tensor.

    Attributes:
        values: names of the graph's values that its elements come from.
        places: int64 of the tensor's shape: of each element in those values, flattened, one after the other.
        expression: what is still to happen to each element; offsets and factors in it go by place.
    """

    values: tuple[str, ...]
    places: Tensor
    expression: Expression = IDENTITY

    @classmethod
    def of(cls, name: str, shape: tuple[int, ...]) -> "Symbol":
        """The whole of one value, in its order."""
        return cls((name,), torch.arange(torch.Size(shape).numel()).reshape(shape))

    @property
    def shape(self) -> torch.Size:
        return self.places.shape

    def moved(self, move: Callable[[Tensor], Tensor]) -> "Symbol":
        """The elements that ``move`` takes, in its order."""
        return Symbol(self.values, move(self.places), self.expression)

    def same_elements(self, other: "Symbol") -> bool:
        """Whether both come from the same elements, in the same order."""
        return self.values == other.values and torch.equal(self.places, other.places)

    def becomes(self, other: "Symbol") -> None:
        """Be another symbol of the same meaning from now on: all who hold this one see what became of it."""
        self.values, self.places, self.expression = other.values, other.places, other.expression
