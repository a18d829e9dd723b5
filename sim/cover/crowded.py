"""Legal programs in which everything waits for something: short tiles beside full ones, convolutions that
wait for those just in front of them, epilogues that wait for slow LOADs, and all users of a bank at once.

What they compute is of no interest, and depends on who comes first.
"""

import random
from typing import Any

from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES
from pointwise.hw.contract.isa import (
    INSTRUCTION_BYTES,
    Base,
    Conv,
    Dma,
    Prologue,
    Space,
    StationarySource,
)
from pointwise.hw.contract.stream import stream_bytes
from pointwise.sim.hostile.programs import CONFIG, PIECES, Hostile, sealed, stream_data

INSTRUCTIONS = (12, 24)
"""Of a program, END not counted: at least and at most."""
FULL = CONFIG.max_tokens
TOKENS = (1, 1, 1, 2, 3, 4, FULL // 2, FULL - 1, FULL)
CHANNELS = (1, CONFIG.cols, CONFIG.cols, 2 * CONFIG.cols, 3 * CONFIG.cols)
ROWS, WORDS = (1, 1, 2, 8, 24), (1, 8, 16, 48)
"""Of LOADs and STOREs; the rows of a LOAD are one row of memory again and again."""
NEAR = 16
"""Words from the beginning of a bank in which everything begins."""


def crowded(seed: int) -> Hostile:
    """The program of a seed, as an image with streams that are all the same bytes."""
    rng = random.Random(f"crowded {seed}")
    length = rng.randint(*INSTRUCTIONS)
    streams = HEADER_BYTES + (length + 1) * INSTRUCTION_BYTES
    convs = dmas = 0
    program: list[bytes] = []
    while len(program) < length:
        if dmas == 0 or rng.random() < 0.3:
            program.append(_dma(rng, convs).encode())
            dmas += 1
            continue
        wanted = late_tile(rng, convs, dmas) if length - len(program) >= 3 and rng.random() < 0.4 else ({},)
        for fields in wanted:
            program.append(_conv(rng, convs, dmas, streams, fields).encode())
            convs += 1
    program.append(bytes(INSTRUCTION_BYTES))
    data = stream_data(rng, PIECES)
    return sealed(program, data, streams + len(data) + TRAILER_BYTES)


def late_tile(rng: random.Random, convs: int, dmas: int) -> tuple[dict[str, Any], ...]:
    """Fields of three convolutions: the second's only token waits for its tile while the first is written.
    Then there is room for the third's results, or what it waits for is done, at about that time."""
    free = {"to_residual": False, "add": False, "wait_conv": 0, "wait_dma": 0, "post_wait_dma": 0}
    free |= {"stationary": StationarySource.STREAM, "k": CONFIG.rows, "n": CONFIG.cols}
    waits = rng.choice((0, convs + 1))
    return (
        free
        | {
            "tokens": rng.randint(FULL // 2, FULL - 1),
            "table": False,
            "post_wait_dma": rng.choice((0, dmas)),
        },
        free | {"tokens": 1, "table": True},
        free | {"tokens": 1 if waits else rng.randint(2, FULL), "table": False, "wait_conv": waits},
    )


def _conv(rng: random.Random, convs: int, dmas: int, stream: int, wanted: dict[str, Any]) -> Conv:
    """A convolution behind so many others, and so many LOADs and STOREs; ``wanted`` goes before chance."""
    to_residual, add = rng.random() < 0.3, rng.random() < 0.5
    if wanted:
        to_residual = add = False
    normalise, keys = rng.random() < 0.2, rng.random() < 0.2
    fields: dict[str, Any] = {
        "tokens": rng.choice(TOKENS),
        "k": rng.choice(CHANNELS),
        "n": rng.choice(CHANNELS),
        "prologue": Prologue.NORMALISE if normalise else Prologue.PLAIN,
        "stationary": StationarySource.KEYS if keys else StationarySource.STREAM,
        "in_base": _word(rng, Space.RESIDUAL if normalise else Space.ACTIVATION),
        "out_base": _word(rng, Space.RESIDUAL if to_residual else Space.ACTIVATION),
        "stat_base": _word(rng, Space.ACTIVATION),
        "in_token_stride": 1,
        "stat_token_stride": 1,
        "out_token_stride": rng.choice((1, 2)),
        "to_residual": to_residual,
        "add": add,
        # Its table makes the first tile come late.
        "table": not add and not to_residual and rng.random() < 0.5,
        "add_factor": int(add and not to_residual),
        "wait_conv": rng.choice((0, convs, max(0, convs - 1), max(0, convs - 2))),
        "wait_dma": rng.choice((0, 0, dmas, dmas - 1)),
        "post_wait_dma": rng.choice((0, 0, dmas)),
    } | wanted
    plain = Conv(**fields, stream_offset=stream, stream_beats=1)
    beats = stream_bytes(plain, CONFIG) // CONFIG.bus_bytes
    return Conv(**fields, stream_offset=stream, stream_beats=beats)


def _dma(rng: random.Random, convs: int) -> Dma:
    """A LOAD or STORE behind so many convolutions, for which it rarely waits."""
    space = rng.choice(list(Space))
    store = rng.random() < 0.2
    return Dma(
        store=store,
        space=space,
        base=Base.OUTPUT if store else Base.INPUT,
        dram_offset=0,
        dram_stride=0,
        sram_base=_word(rng, space),
        sram_stride=1,
        rows=rng.choice(ROWS),
        words=rng.choice(WORDS),
        wait_conv=rng.choice((0, 0, max(0, convs - 1))),
    )


def _word(rng: random.Random, space: Space) -> int:
    """Near the beginning of a bank."""
    banks, words = {
        Space.ACTIVATION: (CONFIG.act_banks, CONFIG.act_words),
        Space.RESIDUAL: (1, CONFIG.res_words),
    }[space]
    return rng.randrange(banks) * (words // banks) + rng.randrange(NEAR)
