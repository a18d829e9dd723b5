"""The order in which a CONV touches words: nests of loops with strides, for hardware and software.

``LoopNest`` is the specification of ``hw.engine.address.AddressGenerator``: strides are added, never
multiplied, so that the closed form here and the additions there are the same modulo 2²⁴.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from math import prod
from typing import Any

from .config import CoreConfig
from .isa import Conv
from .stream import tiles

ADDRESS_BITS = 24
"""Of an address of a word."""
PLACE_BITS = 12
"""Of a column or row of a picture, two's complement."""
WORD_COUNT_BITS = 13
"""Of a count of words of channels."""
MAXIMUM_BITS = 9
"""Of a K-tile's sum that ``maximum`` looks at: an int8 or uint8 times 1."""


@dataclass(frozen=True)
class LoopNest:
    """Loops in loops, the innermost first.

    Attributes:
        base: address of the first turn. bounds: turns of each loop. strides: what a turn adds.
        bits: addresses are modulo 2^bits. count: turns of all loops together where the last one ends early.
    """

    base: int
    bounds: tuple[int, ...]
    strides: tuple[int, ...]
    bits: int = ADDRESS_BITS
    count: int | None = None

    def address(self, turns: tuple[Any, ...]) -> Any:
        """The address in these turns, the innermost first: integers, or arrays that are broadcast."""
        way = sum(turn * stride for turn, stride in zip(turns, self.strides, strict=True))
        return (self.base + way) % (1 << self.bits)

    def addresses(self) -> Iterator[int]:
        """All addresses in order."""
        everything = product(*(range(bound) for bound in reversed(self.bounds)))
        for turns in islice(everything, self.count):
            yield self.address(turns[::-1])


def row_length(conv: Conv) -> int:
    """Tokens in a row of the result's picture."""
    return conv.row_tokens or conv.tokens


def turns(conv: Conv, config: CoreConfig) -> tuple[int, ...]:
    """Columns, rows, taps, lines of taps, words of channels, N-tiles of a group, and groups."""
    row = row_length(conv)
    words, each = tiles(conv.k, config.rows), group_tiles(config)
    groups = tiles(tiles(conv.n, config.cols), each)
    return (row, tiles(conv.tokens, row), conv.extra_taps + 1, conv.extra_lines + 1, words, each, groups)


def group_tiles(config: CoreConfig) -> int:
    """N-tiles with the channels of one word, before ``in_group_stride`` is added."""
    return max(1, config.rows // config.cols)


def group_words(config: CoreConfig) -> int:
    """Words with the channels of a group."""
    return max(1, config.cols // config.rows)


def _nest(base: int, strides: tuple[int, ...], bits: int, conv: Conv, config: CoreConfig) -> LoopNest:
    bounds = turns(conv, config)
    count = prod(bounds[:5]) * tiles(conv.n, config.cols)
    return LoopNest(base, bounds, strides, bits, count)


def streamed(conv: Conv, config: CoreConfig) -> LoopNest:
    """Words of the streamed operand in their order."""
    strides = (
        conv.in_token_stride,
        conv.in_row_stride,
        conv.in_tap_stride,
        conv.in_tap_row_stride,
        conv.in_tile_stride,
        0,
        conv.in_group_stride,
    )
    return _nest(conv.in_base, strides, ADDRESS_BITS, conv, config)


def keys(conv: Conv, config: CoreConfig) -> LoopNest:
    """Words of K where it is stationary: columns of the array are tokens, then K-tiles, then N-tiles.

    (The last N-tile has fewer columns.)
    """
    strides = (conv.stat_token_stride, conv.stat_word_stride, config.cols * conv.stat_token_stride)
    bounds = (config.cols, tiles(conv.k, config.rows), tiles(conv.n, config.cols))
    return LoopNest(conv.stat_base, bounds, strides)


def values(conv: Conv, config: CoreConfig) -> LoopNest:
    """Words of V where it is stationary: tokens are rows of the array, those of all K-tiles in a row."""
    return _by_tokens(conv.stat_base, conv.stat_word_stride, conv.stat_token_stride, conv.k, conv, config)


def results(conv: Conv, config: CoreConfig) -> LoopNest:
    """Words that take the results."""
    return _by_tokens(conv.out_base, conv.out_word_stride, conv.out_token_stride, conv.tokens, conv, config)


def _by_tokens(
    base: int, word_stride: int, token_stride: int, tokens: int, conv: Conv, config: CoreConfig
) -> LoopNest:
    """Words with the columns of an N-tile, then tokens; then N-tiles that lie in one word, then the next
    words."""
    beside, each = group_words(config), group_tiles(config)
    groups = tiles(tiles(conv.n, config.cols), each)
    return LoopNest(
        base, (beside, tokens, each, groups), (word_stride, token_stride, 0, beside * word_stride)
    )


def columns(conv: Conv, config: CoreConfig) -> LoopNest:
    """In which column of the picture each word of ``streamed`` lies, modulo 2^PLACE_BITS."""
    strides = (conv.step_x, 0, conv.dilation_x, 0, 0, 0, 0)
    return _nest(conv.first_x, strides, PLACE_BITS, conv, config)


def lines(conv: Conv, config: CoreConfig) -> LoopNest:
    """In which row of the picture each word of ``streamed`` lies, modulo 2^PLACE_BITS."""
    strides = (0, conv.step_y, 0, conv.dilation_y, 0, 0, 0)
    return _nest(conv.first_y, strides, PLACE_BITS, conv, config)
