"""Random convolutions for the streamer, and every step that it must take."""

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, Prologue
from pointwise.hw.contract.walks import columns, lines, streamed


def random_conv(rng: np.random.Generator, config: CoreConfig, number: int) -> Conv:
    """Sizes around the array's; waits for one of the two convolutions before, or none."""
    prologue = Prologue(int(rng.integers(0, 3)))
    row = int(rng.choice([0, 1, rng.integers(1, config.max_tokens + 1)]))
    most = config.max_tokens // row if row else config.max_tokens
    tokens = int(rng.choice([1, 2, most, rng.integers(1, most + 1)])) * (row or 1)
    tokens = min(tokens, most * (row or 1))
    taps = rng.choice([0, 0, 1, rng.integers(0, 4), 15], 2) if prologue == Prologue.PLAIN else (0, 0)
    places = {
        "row_tokens": row,
        "in_row_stride": int(rng.integers(0, 1 << 16)),
        "in_tap_stride": int(rng.integers(0, 1 << 16)),
        "in_tap_row_stride": int(rng.integers(0, 1 << 16)),
        "in_group_stride": int(rng.integers(0, 1 << 16)),
        "extra_taps": int(taps[0]),
        "extra_lines": int(taps[1]),
        "padded": prologue == Prologue.PLAIN and bool(rng.integers(0, 2)),
        "pad_value": int(rng.integers(0, 256)),
        "first_x": int(rng.choice([0, 4095, rng.integers(0, 1 << 12)])),
        "first_y": int(rng.choice([0, 4095, rng.integers(0, 1 << 12)])),
        "in_width": int(rng.choice([0, 3, 2047, rng.integers(0, 1 << 11)])),
        "in_height": int(rng.choice([0, 3, 2047, rng.integers(0, 1 << 11)])),
        "maximum": bool(rng.integers(0, 2)),
    }
    places |= {
        name: int(rng.choice([1, rng.integers(0, 16)]))
        for name in ("step_x", "step_y", "dilation_x", "dilation_y")
    }
    return Conv(
        **places,
        tokens=tokens,
        k=int(rng.choice([1, config.rows, rng.integers(1, 4 * config.rows + 1)])),
        n=int(rng.choice([1, config.cols, rng.integers(1, 4 * config.cols + 1)])),
        in_base=int(rng.integers(0, 1 << 22)),
        in_token_stride=int(rng.integers(0, 1 << 12)),
        in_tile_stride=int(rng.integers(0, 1 << 16)),
        out_base=0,
        out_token_stride=0,
        stream_offset=0,
        stream_beats=0,
        prologue=prologue,
        in_unsigned=bool(rng.integers(0, 2)),
        shifts=prologue == Prologue.NORMALISE and bool(rng.integers(0, 2)),
        max_slot=int(rng.integers(0, 2)),
        sum_slot=int(rng.integers(0, 2)),
        first_token=int(rng.integers(0, config.max_tokens - tokens + 1)),
        **_waits(rng, prologue, number),
    )


def _waits(rng: np.random.Generator, prologue: Prologue, number: int) -> dict[str, bool | int]:
    """Whether it follows the words of the convolution before, the rows of a LOAD, or nothing."""
    if prologue == Prologue.PLAIN and rng.integers(0, 3):
        return {"wait_conv": number, "pipelined": True, "lead_words": int(rng.choice([0, 0, 1, 255]))}
    before = max(0, number - int(rng.choice([0, 1, number])))
    return {"wait_conv": before, "wait_dma": number // 2, "chained": bool(rng.integers(0, 2))}


@dataclass(frozen=True)
class Step:
    """One token of one tile."""

    conv: Conv
    address: int
    first: bool  # token of the tile
    last_k: bool
    last: bool  # token of the convolution
    n_tile: int
    word: int  # of channels
    tag: dict[str, int]


def steps(config: CoreConfig, conv: Conv, parity: int, exp_bank: int) -> list[Step]:
    """All tokens of a convolution in order."""
    n_tiles, k_tiles = -(-conv.n // config.cols), -(-conv.k // config.rows) * conv.taps
    found = []
    walk = zip(*(list(nest(conv, config).addresses()) for nest in (streamed, columns, lines)), strict=True)
    turns = np.ndindex(n_tiles, k_tiles, conv.tokens)
    for (n_tile, k_tile, token), (address, x, y) in zip(turns, walk, strict=True):
        last_k = k_tile == k_tiles - 1
        tag = {
            "prologue": conv.prologue,
            "in_unsigned": conv.in_unsigned,
            "outside": conv.padded and (x >= conv.in_width or y >= conv.in_height),
            "pad": conv.pad_value,
            "maximum": conv.maximum,
            "lanes": min(config.rows, conv.k - k_tile // conv.taps * config.rows),
            "shifts": conv.shifts,
            "swap": token == 0,
            "parity": (parity + n_tile * k_tiles + k_tile) % 2,
            "exp_bank": exp_bank,
            "token": token,
            "first": k_tile == 0,
            "last": last_k,
            "sum_add": conv.prologue == Prologue.EXPONENTIAL and n_tile == 0,
            "sum_slot": conv.sum_slot,
        }
        last = last_k and token == conv.tokens - 1 and n_tile == n_tiles - 1
        fields = {name: int(value) for name, value in tag.items()}
        found.append(Step(conv, address, token == 0, last_k, last, n_tile, k_tile // conv.taps, fields))
    return found
