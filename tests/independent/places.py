"""Random sizes, and random places in the parts of the memories that a program uses."""

from dataclasses import dataclass

import numpy as np

from tests.independent.reference.core import Core
from tests.independent.reference.fields import Space


@dataclass
class Block:
    """Where a tensor lies: word w of token t at base + t·token + w·word."""

    base: int
    token: int
    word: int


class Places:
    """A window of each memory, somewhere in it, and blocks inside these windows.

    Args:
        least, most: words of a window, where the memory has so many.
    """

    def __init__(self, rng: np.random.Generator, core: Core, least: int = 48, most: int = 400):
        self.rng, self.core = rng, core
        self.windows: dict[Space, tuple[int, int]] = {}  # first word, words
        for space, words in ((Space.ACTIVATION, core.act_words), (Space.RESIDUAL, core.res_words)):
            size = int(min(words, rng.integers(least, most + 1)))
            self.windows[space] = (int(rng.integers(0, words - size + 1)), size)

    def anywhere(self, space: Space, tokens: int, words: int) -> Block:
        """A block for reading: addresses may come up more than once."""
        base, size = self.windows[space]
        token = int(self.rng.integers(0, (size - 1) // (tokens - 1) + 1)) if tokens > 1 else 0
        room = size - 1 - (tokens - 1) * token
        word = int(self.rng.integers(0, room // (words - 1) + 1)) if words > 1 else 0
        room -= (words - 1) * word
        return Block(base + int(self.rng.integers(0, room + 1)), token, word)

    def apart(self, space: Space, tokens: int, words: int) -> Block | None:
        """A block for writing, by tokens or by words: all addresses differ. None where it does not fit."""
        base, size = self.windows[space]
        inner, outer = (words, tokens) if self.rng.integers(2) else (tokens, words)
        step = int(self.rng.integers(1, 3))
        stride = step * inner + int(self.rng.integers(0, 3))
        room = size - 1 - (inner - 1) * step - (outer - 1) * stride
        if room < 0:
            return None
        start = base + int(self.rng.integers(0, room + 1))
        return Block(start, stride, step) if inner == words else Block(start, step, stride)

    def size(self, most: int) -> int:
        """1, an odd or even few, R or C, many, or as many as there may be."""
        rng = self.rng
        tile = rng.choice([self.core.rows, self.core.cols])
        kinds = (1, rng.integers(2, 40), tile, rng.integers(40, 300), most)
        return int(min(rng.choice(kinds, p=[0.15, 0.4, 0.25, 0.15, 0.05]), most))
