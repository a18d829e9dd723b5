"""Random convolutions for the streamer, and every step that it must take."""

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, Prologue


def random_conv(rng: np.random.Generator, config: CoreConfig, number: int) -> Conv:
    """Sizes around the array's; waits for one of the two convolutions before, or none."""
    tokens = int(rng.choice([1, 2, config.max_tokens, rng.integers(1, config.max_tokens + 1)]))
    prologue = Prologue(int(rng.integers(0, 3)))
    return Conv(
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
        wait_conv=max(0, number - int(rng.choice([0, 1, number]))),
        wait_dma=number // 2,
        follow=bool(rng.integers(0, 2)),
    )


@dataclass(frozen=True)
class Step:
    """One token of one tile."""

    conv: Conv
    address: int
    first: bool  # token of the tile
    last_k: bool
    last: bool  # token of the convolution
    n_tile: int
    k_tile: int
    tag: dict[str, int]


def steps(config: CoreConfig, conv: Conv, parity: int, exp_bank: int) -> list[Step]:
    """All tokens of a convolution in order."""
    n_tiles, k_tiles = -(-conv.n // config.cols), -(-conv.k // config.rows)
    found = []
    for n_tile, k_tile, token in np.ndindex(n_tiles, k_tiles, conv.tokens):
        last_k = k_tile == k_tiles - 1
        tag = {
            "prologue": conv.prologue,
            "in_unsigned": conv.in_unsigned,
            "lanes": min(config.rows, conv.k - k_tile * config.rows),
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
        address = conv.in_base + token * conv.in_token_stride + k_tile * conv.in_tile_stride
        last = last_k and token == conv.tokens - 1 and n_tile == n_tiles - 1
        fields = {name: int(value) for name, value in tag.items()}
        found.append(Step(conv, address, token == 0, last_k, last, n_tile, k_tile, fields))
    return found
