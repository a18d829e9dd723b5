"""The part of an instruction that each unit keeps."""

from collections.abc import Iterable

from amaranth.hdl import unsigned
from amaranth.lib import data

from pointwise.hw.contract.isa import CONV_LAYOUT

CONV = data.StructLayout({name: unsigned(width) for name, width in CONV_LAYOUT})
"""A whole CONV."""


def part(names: Iterable[str]) -> data.StructLayout:
    """A layout of some fields of ``CONV``."""
    widths = dict(CONV_LAYOUT)
    return data.StructLayout({name: unsigned(widths[name]) for name in names})


LOADER = part(
    (
        "prologue",
        "table",
        "shifts",
        "stationary",
        "packing",
        "tokens",
        "k",
        "n",
        "stat_base",
        "stat_token_stride",
        "stat_word_stride",
        "wait_conv",
        "wait_dma",
    )
)
STREAMER = part(
    (
        "prologue",
        "in_unsigned",
        "shifts",
        "tokens",
        "k",
        "n",
        "in_base",
        "in_token_stride",
        "in_tile_stride",
        "max_slot",
        "sum_slot",
        "first_token",
        "wait_conv",
        "wait_dma",
        "follow",
    )
)
EPILOGUE = part(
    (
        "to_residual",
        "out_unsigned",
        "table",
        "divide",
        "row_max",
        "add",
        "sums",
        "max_slot",
        "sum_slot",
        "first_token",
        "tokens",
        "n",
        "post_wait_dma",
        "out_base",
        "out_token_stride",
        "out_word_stride",
        "mean_mult",
        "mean_shift",
        "norm_mult",
        "norm_shift",
        "epsilon",
    )
)
