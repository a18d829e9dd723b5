"""What a program promises and no core checks: to see it, a core would need multipliers.

A program that breaks a promise is not refused by the core. Its result is undefined then, and nothing else is:
the run ends, at the latest by the watchdog. Compiler and emulator check these promises, each with a sentence.
"""

from collections.abc import Iterator
from typing import Any

from .config import CoreConfig
from .isa import Conv, Dma, Prologue, Space, StationarySource
from .stream import stream_bytes, tiles
from .walks import ADDRESS_BITS, LoopNest, columns, lines, streamed

MEAN_TOLERANCE_BITS = 16
"""LayerNorm's mean_mult · 2^−mean_shift exceeds 1/H by 2^−16 of it at most, as the nearest one does. The mean
then has 25 bits, and what is left of a value without it 18."""

PROMISES: tuple[tuple[str, str], ...] = (
    (
        "Every word that is streamed, loaded as K or V, written, added to, or moved by a LOAD or STORE lies "
        "in its memory",
        "compiler, emulator",
    ),
    ("``tokens`` is a multiple of ``row_tokens``, where that is not 0", "compiler, emulator"),
    ("``stream_beats`` is the length of the stream with its padding", "compiler, emulator"),
    ("No two results of a CONV lie in one word", "compiler, emulator"),
    (
        "With an ``add_offset`` other than 0, a CONV writes no word that it adds to",
        "compiler, emulator",
    ),
    (
        "With ``sums``: ``n`` · ``mean_mult`` · 2^−``mean_shift`` ≤ 1 + 2⁻¹⁶, as with the nearest "
        "``mean_mult``",
        "compiler, emulator",
    ),
    ("In a stream: a channel's shift is 1..47, the shift of an input lane 0..15", "compiler, emulator"),
    (
        "Row maxima, reciprocals and statistics that are read were written for the same tokens, and "
        "statistics for the same values",
        "compiler",
    ),
    (
        "Waits are sufficient, and a CONV writes no word that it reads later ([order](#order-and-waiting))",
        "compiler",
    ),
)
"""What is promised, and who checks it; the last ones show in the emulator as another result."""


def faults(instruction: Conv | Dma, config: CoreConfig) -> Iterator[str]:
    """What is not sound in an instruction whose fields are legal, each in words that follow "a CONV"."""
    if isinstance(instruction, Dma):
        last = (
            instruction.sram_base + (instruction.rows - 1) * instruction.sram_stride + instruction.words - 1
        )
        yield from _outside("moves", last, instruction.space, config)
        return
    conv = instruction
    for verb, last, space in _reach(conv, config):
        yield from _outside(verb, last, space, config)
    if conv.row_tokens and conv.tokens % conv.row_tokens:
        yield f"has {conv.tokens} tokens, no multiple of the {conv.row_tokens} of a row"
        return
    size = stream_bytes(conv, config)
    if conv.stream_beats * config.bus_bytes != size:
        yield (
            f"has a stream of {conv.stream_beats} beats, {conv.stream_beats * config.bus_bytes} bytes, but "
            f"the stream of its sizes has {size}"
        )
    if conv.sums and conv.n * conv.mean_mult << MEAN_TOLERANCE_BITS > _whole(conv.mean_shift):
        yield (
            f"takes {conv.mean_mult} · 2^-{conv.mean_shift} for 1/{conv.n}, which is too large by more than "
            f"2^-{MEAN_TOLERANCE_BITS} of it"
        )
    if conv.add and conv.add_offset and _adds_to_results(conv, config):
        yield f"adds to words {conv.add_offset} behind its results, some of which it writes itself"
    if _shares_words(conv, config):
        yield (
            f"writes with the strides {conv.out_token_stride} and {conv.out_word_stride}, so that two of its "
            "results share a word"
        )


def _whole(mean_shift: int) -> int:
    """The largest N · mean_mult, in units of 2^−MEAN_TOLERANCE_BITS."""
    return (1 << MEAN_TOLERANCE_BITS) + 1 << mean_shift


def _reach(conv: Conv, config: CoreConfig) -> Iterator[tuple[str, int, Space]]:
    """What a convolution does with words, the last of these words, and their memory."""
    k_words, n_words = tiles(conv.k, config.rows), tiles(conv.n, config.rows)
    last = conv.tokens - 1
    source = Space.RESIDUAL if conv.prologue == Prologue.NORMALISE else Space.ACTIVATION
    if (reach := furthest_streamed(conv, config)) is not None:
        yield "streams", reach, source
    written = Space.RESIDUAL if conv.to_residual else Space.ACTIVATION
    way = last * conv.out_token_stride + (n_words - 1) * conv.out_word_stride
    yield "writes", conv.out_base + way, written
    if conv.add:
        yield "adds to", (conv.out_base + conv.add_offset) % (1 << ADDRESS_BITS) + way, written
    if conv.stationary != StationarySource.STREAM:
        tokens, words = (conv.n, k_words) if conv.stationary == StationarySource.KEYS else (conv.k, n_words)
        end = conv.stat_base + (tokens - 1) * conv.stat_token_stride + (words - 1) * conv.stat_word_stride
        yield "loads", end, Space.ACTIVATION


def furthest_streamed(conv: Conv, config: CoreConfig) -> int | None:
    """The last word that is streamed, None where all are padding. What lies in front of word 0 counts as
    behind all memory."""
    nest = streamed(conv, config)
    if conv.padded:
        spans: list[Any] = [
            _inside(nest, columns(conv, config), (0, 2), conv.in_width),
            _inside(nest, lines(conv, config), (1, 3), conv.in_height),
        ]
        if None in spans:
            return None
        rest = (4, 5, 6)
    else:
        spans, rest = [], range(7)
    spans += [(0, (nest.bounds[loop] - 1) * nest.strides[loop]) for loop in rest]
    least, most = (sum(span[end] for span in spans) for end in (0, 1))
    return (nest.base + least) % (1 << nest.bits) + most - least


def _inside(nest: LoopNest, places: LoopNest, loops: tuple[int, int], size: int) -> tuple[int, int] | None:
    """The least and the most that two loops add to an address where their place lies in 0..size − 1."""
    token, tap = loops
    found = [
        outer * nest.strides[token] + inner * nest.strides[tap]
        for outer in range(nest.bounds[token])
        for inner in range(nest.bounds[tap])
        if places.address(tuple({token: outer, tap: inner}.get(loop, 0) for loop in range(7))) < size
    ]
    return (min(found), max(found)) if found else None


def _outside(verb: str, last: int, space: Space, config: CoreConfig) -> Iterator[str]:
    words = config.res_words if space == Space.RESIDUAL else config.act_words
    if last >= words:
        yield f"{verb} word {last} of the {space.name.lower()} SRAM, which has {words}"


def _adds_to_results(conv: Conv, config: CoreConfig) -> bool:
    """Whether a word that is added to is written by the same convolution."""
    words = range(tiles(conv.n, config.rows))
    written = {
        conv.out_base + token * conv.out_token_stride + word * conv.out_word_stride
        for token in range(conv.tokens)
        for word in words
    }
    return any((place + conv.add_offset) % (1 << ADDRESS_BITS) in written for place in written)


def _shares_words(conv: Conv, config: CoreConfig) -> bool:
    """Whether i tokens and j words lead to the same place, i · token stride = j · word stride."""
    words, by_token, by_word = tiles(conv.n, config.rows), conv.out_token_stride, conv.out_word_stride
    if (conv.tokens > 1 and by_token == 0) or (words > 1 and by_word == 0):
        return True
    apart = (by_word * step for step in range(1, words))
    return by_token > 0 and any(way % by_token == 0 and way // by_token < conv.tokens for way in apart)
