"""What travels beside a token through the datapath, and the per-token numbers that are looked up for it."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from pointwise.hw.contract.config import CoreConfig

from .primitives import ceil_log2

MEAN_BITS = 18
MULT_BITS = 16
NORM_SHIFT_BITS = 6
ROW_SUM_BITS = 20
"""A sum of MAX_CHANNELS exponentials of 8 bits."""
LEADING_BITS = 5


class TokenTag(data.StructLayout):
    """Tag of a streamed token.

    Fields:
        prologue, in_unsigned: as in the instruction. lanes: how many lanes lie inside K (1..R). shifts:
            channel shifts apply. outside: the word lies outside of the picture, and its lanes are ``pad``.
        swap: first token of a tile. parity: which of two sets of channel shifts the tile uses.
        exp_bank: bank of the exponential table.
        token: number within the convolution. first, last: first and last K-tile. maximum: of the
            K-tiles, in place of their sum.
        sum_add: the exponentials count towards the row sum (first N-tile only). sum_slot: of the reciprocals.
    """

    def __init__(self, config: CoreConfig) -> None:
        super().__init__(
            {
                "prologue": unsigned(2),
                "in_unsigned": unsigned(1),
                "outside": unsigned(1),
                "pad": unsigned(8),
                "lanes": unsigned(ceil_log2(config.rows + 1)),
                "shifts": unsigned(1),
                "swap": unsigned(1),
                "parity": unsigned(1),
                "exp_bank": unsigned(1),
                "token": unsigned(ceil_log2(config.max_tokens)),
                "first": unsigned(1),
                "last": unsigned(1),
                "maximum": unsigned(1),
                "sum_add": unsigned(1),
                "sum_slot": unsigned(1),
            }
        )


NORM_STATISTICS = data.StructLayout(
    {"mean": signed(MEAN_BITS), "mult": unsigned(MULT_BITS), "shift": unsigned(NORM_SHIFT_BITS)}
)
"""Result of ``pointwise.model.integer.layernorm.statistics`` for one token."""

RECIPROCAL = data.StructLayout({"mult": unsigned(MULT_BITS), "leading": unsigned(LEADING_BITS)})
"""Result of ``pointwise.model.integer.interpolation.reciprocal`` for one row sum."""
