"""The order in which the epilogue's results come by, with random gaps."""

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.config import CoreConfig


@dataclass(frozen=True)
class Walk:
    """Some convolutions, group by group: arrays with one entry a cycle.

    Attributes:
        valid: whether a group comes in that cycle; the rest is rubbish where none does.
        values: (cycles, P) results. mask: (cycles, P) which of them lie inside N.
        conv, tile, token, group: where the walk is.
        first_group, last_group, first_tile, last_tile: as the units under test get them.
    """

    valid: np.ndarray
    values: np.ndarray
    mask: np.ndarray
    conv: np.ndarray
    tile: np.ndarray
    token: np.ndarray
    group: np.ndarray
    first_group: np.ndarray
    last_group: np.ndarray
    first_tile: np.ndarray
    last_tile: np.ndarray


def walk(
    rng: np.random.Generator,
    config: CoreConfig,
    low: int,
    high: int,
    *,
    convs: int,
    revisit: int,
    widest: int = 0,
) -> Walk:
    """Random convolutions of 1..12 (and once of max_tokens) tokens and up to four N-tiles.

    Args:
        low, high: range of the values; a third of the convolutions consist of one of the two ends.
        revisit: the least distance in cycles of the last groups of one token in two N-tiles.
        widest: where not zero, the second convolution has so many channels, all of ``low``.
    """
    rows: list[tuple] = []
    for conv in range(convs):
        tokens = config.max_tokens if conv == 0 else int(rng.integers(1, min(12, config.max_tokens) + 1))
        channels = int(rng.integers(1, 4 * config.cols + 1))
        if conv == 1 and widest:
            tokens, channels = 1, widest
        tiles = -(-channels // config.cols)
        gap = rng.choice([0.0, 0.3])
        saturated = conv == 1 or rng.random() < 0.33
        last_seen: dict[int, int] = {}
        for tile in range(tiles):
            for token in range(tokens):
                for group in range(config.groups):
                    last = group == config.groups - 1
                    early = last and len(rows) - last_seen.get(token, -revisit) < revisit
                    while early or rng.random() < gap:
                        rows.append(
                            (0, *rng.integers(0, 2, 4), conv, 0, token, 0, *_lanes(rng, config, low, high))
                        )
                        early = last and len(rows) - last_seen.get(token, -revisit) < revisit
                    first = tile * config.cols + group * config.post_lanes
                    values, _ = _lanes(rng, config, low, high)
                    if saturated:
                        values[:] = low if conv % 2 == 1 else high
                    mask = first + np.arange(config.post_lanes) < channels
                    place = (group == 0, last, tile == 0, tile == tiles - 1)
                    if last:
                        last_seen[token] = len(rows)
                    rows.append((1, *map(int, place), conv, tile, token, group, values, mask))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    names = (
        "valid",
        "first_group",
        "last_group",
        "first_tile",
        "last_tile",
        "conv",
        "tile",
        "token",
        "group",
    )
    return Walk(**dict(zip((*names, "values", "mask"), columns, strict=True)))


def _lanes(
    rng: np.random.Generator, config: CoreConfig, low: int, high: int
) -> tuple[np.ndarray, np.ndarray]:
    values = rng.integers(low, high + 1, config.post_lanes)
    return values, rng.integers(0, 2, config.post_lanes).astype(bool)
