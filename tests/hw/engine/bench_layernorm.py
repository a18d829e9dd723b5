"""Statistics of random sums and constants, each read in the first cycle in which it can be."""

import cocotb
import numpy as np
from driver import assert_equal, generator, pack_fields, play, start

from pointwise.hw.contract.config import MAX_CHANNELS, CoreConfig
from pointwise.hw.engine.layernorm import NORM_CONSTANTS, LayerNormStatistics
from pointwise.hw.engine.tags import NORM_STATISTICS
from pointwise.model.integer.layernorm import NormConstants, statistics, token_sums
from pointwise.sim.bench import bench_config

BATCHES = 40
TOKENS = 40
LATENCY = LayerNormStatistics.LATENCY


def random_rows(rng: np.random.Generator, channels: int) -> np.ndarray:
    """(TOKENS, channels) int16 of every spread: constant rows, saturated rows, rows around any mean."""
    spread = 2 ** rng.integers(0, 17, (TOKENS, 1))
    rows = rng.integers(-32768, 32768, (TOKENS, 1)) + rng.integers(
        -spread // 2, spread // 2 + 1, (TOKENS, channels)
    )
    rows[0], rows[1], rows[2] = -32768, 32767, 0
    return np.clip(rows, -32768, 32767)


def random_constants(rng: np.random.Generator, channels: int) -> NormConstants:
    """1/H as 16 bits, rounded to either side, and any of the others."""
    shift = 15 + int(np.ceil(np.log2(channels)))
    return NormConstants(
        mean_mult=min(65535, -(-(1 << shift) // channels) - int(rng.integers(0, 2) if channels > 1 else 0)),
        mean_shift=shift,
        norm_mult=int(rng.choice([65535, rng.integers(0, 1 << 16)])),
        norm_shift=int(rng.integers(0, 41)),
        epsilon=int(rng.choice([0, (1 << 32) - 1, rng.integers(0, 1 << 32) >> rng.integers(0, 32)])),
    )


@cocotb.test()
async def equals_the_model(dut):
    config = CoreConfig(**bench_config())
    rng = generator()
    await start(dut, ["constants", "valid", "token", "total", "squares", "read_token"])
    idle = [0] * LATENCY
    kept: dict[int, int] = {}  # by token
    for _ in range(BATCHES):
        channels = int(rng.choice([1, 2, 3, MAX_CHANNELS, rng.integers(1, MAX_CHANNELS + 1)]))
        total, squares = token_sums(random_rows(rng, channels))
        constants = random_constants(rng, channels)
        token = rng.permutation(config.max_tokens)[:TOKENS]
        valid = rng.integers(0, 2, TOKENS)
        seen = await play(
            dut,
            {
                "constants": [int(pack_fields(NORM_CONSTANTS, **vars(constants)))] * (TOKENS + LATENCY),
                "valid": [*valid, *idle],
                "token": [*token, *idle],
                "total": [*(total & 0xFFFFFFF), *idle],
                "squares": [*squares, *idle],
                "read_token": [*idle, *token],
            },
            ["statistics"],
            after=1,
        )
        got = np.array(seen["statistics"][LATENCY + 1 :], object)
        names = ("mean", "mult", "shift")
        want = pack_fields(
            NORM_STATISTICS, **dict(zip(names, statistics(total, squares, constants), strict=True))
        )
        # A token without sums keeps what it had.
        kept |= dict(zip(token[valid == 1], want[valid == 1], strict=True))
        known = np.isin(token, list(kept))
        want = np.array([kept[one] for one in token[known]], object)
        assert_equal(f"statistics, {channels} channels, {constants},", got[known], want)
