"""Dimensions of networks and cores to try things on: drawn from a seed, or those of a known network."""

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.networks import DeiTConfig


@dataclass(frozen=True)
class Shape:
    """Dimensions of a vision transformer as the core sees it.

    Attributes:
        tokens: T. inputs, dim, head_dim, hidden: channels of the input, of the residual stream, of a head and
            of the feed-forward layer. depth, heads, classes: how many blocks, heads and classes.
        distilled: a second head reads token 1 and adds to the logits.
    """

    tokens: int
    inputs: int
    dim: int
    depth: int
    heads: int
    head_dim: int
    hidden: int
    classes: int
    distilled: bool = False

    @property
    def prefix(self) -> int:
        """Tokens in front that are of no patch: room for those of class and distillation."""
        return min(1 + self.distilled, self.tokens - 1)

    @classmethod
    def of(cls, network: DeiTConfig) -> "Shape":
        """The dimensions of a DeiT."""
        return cls(
            tokens=network.tokens,
            inputs=network.patch_dim,
            dim=network.dim,
            depth=network.depth,
            heads=network.heads,
            head_dim=network.head_dim,
            hidden=network.hidden,
            classes=network.classes,
            distilled=network.distilled,
        )


def random_shape(seed: int, max_tokens: int = 24, max_channels: int = 40) -> Shape:
    """Small dimensions, none of them round on purpose."""
    rng = np.random.default_rng([seed, 1])
    tokens = int(rng.integers(2, max_tokens + 1))
    inputs, dim, hidden, classes = (int(value) for value in rng.integers(1, max_channels + 1, 4))
    depth, heads = (int(value) for value in rng.integers(1, 4, 2))
    head_dim = int(rng.integers(1, max(2, max_channels // 2)))
    return Shape(tokens, inputs, dim, depth, heads, head_dim, hidden, classes, bool(rng.integers(2)))


def random_config(seed: int, max_tokens: int = 24) -> CoreConfig:
    """A small core of any shape: square, wide or tall, with narrow epilogues and any bus.

    Its memories hold the networks of ``random_shape``.
    """
    rng = np.random.default_rng([seed, 3])
    rows = int(rng.integers(1, 17))
    cols = rows * int(rng.integers(1, 16 // rows + 1))
    if rng.integers(2):
        rows, cols = cols, rows
    narrow = min(rows, cols)
    lanes = [width for width in range(1, narrow + 1) if narrow % width == 0]
    return CoreConfig(
        rows=rows,
        cols=cols,
        post_lanes=int(rng.choice(lanes)),
        max_tokens=max_tokens + int(rng.integers(0, 8)),
        act_kib=32,
        act_banks=int(rng.integers(1, 5)),
        res_kib=16,
        axi_data_width=int(rng.choice([32, 64, 128, 256, 512])),
    )
