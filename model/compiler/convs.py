"""Operations as instructions that are not placed yet, and the work that they are."""

from pointwise.hw.contract.config import MAX_CHANNELS, CoreConfig
from pointwise.hw.contract.isa import Conv
from pointwise.hw.contract.stream import PACKING, k_tiles, tiles
from pointwise.hw.contract.walks import group_words
from pointwise.model.engine.op import (
    Accumulate,
    AddScaled,
    Diagonal,
    Divide,
    LookUp,
    RowMax,
    TokenSums,
    Weights,
)

from .analysis import Node
from .packing import channel_shifts


def word_by_word(node: Node, config: CoreConfig) -> bool:
    """Whether each word of channels has an instruction of its own.

    Where an N-tile has the channels of several words, each of its columns would see the zeros of the other
    words' tiles too, and a maximum with zero is not what is asked for: then each word has an instruction. All
    of them read the same stream, ones and what changes nothing.
    """
    stationary = node.op.stationary
    return isinstance(stationary, Diagonal) and stationary.maximum and config.cols > config.rows


def part_channels(node: Node, config: CoreConfig) -> int:
    """Channels of the result that one instruction makes: all, or as many whole tiles as it can say."""
    if word_by_word(node, config):
        return config.rows
    if node.n <= MAX_CHANNELS:
        return node.n
    each = max(config.rows, config.cols)
    return MAX_CHANNELS // each * each


def instructions(node: Node, config: CoreConfig) -> int:
    """How many a node takes for the same tokens."""
    return tiles(node.n, part_channels(node, config))


def unplaced(node: Node, config: CoreConfig) -> Conv:
    """The instruction of an operation but for where its operands lie and what it waits for."""
    op = node.op
    sums, result, scaled = op.stage(TokenSums), op.requantise.dtype, op.stage(AddScaled)
    if scaled is not None:
        result = scaled.dtype
    return Conv(
        tokens=node.count,
        k=group_words(config) * config.rows if isinstance(op.stationary, Diagonal) else node.k,
        n=node.n,
        prologue=op.prologue.code,
        in_unsigned=op.prologue.unsigned,
        extra_taps=op.window.kernel[1] - 1 if op.window else 0,
        extra_lines=op.window.kernel[0] - 1 if op.window else 0,
        diagonal=isinstance(op.stationary, Diagonal),
        maximum=isinstance(op.stationary, Diagonal) and op.stationary.maximum,
        in_base=0,
        in_token_stride=0,
        in_tile_stride=0,
        stationary=op.stationary.code,
        packing=PACKING[op.stationary.bits] if isinstance(op.stationary, Weights) else 0,
        out_base=0,
        out_token_stride=0,
        out_word_stride=0,
        to_residual=result == "int16",
        out_unsigned=result == "uint8",
        table=op.stage(LookUp) is not None,
        divide=op.stage(Divide) is not None,
        row_max=op.stage(RowMax) is not None,
        add=op.stage(Accumulate) is not None or scaled is not None,
        add_factor=0 if scaled is None else scaled.factor,
        add_shift=0 if scaled is None else scaled.shift,
        add_unsigned=scaled is not None and scaled.unsigned,
        sums=sums is not None,
        shifts=channel_shifts(op) is not None,
        stream_offset=0,
        stream_beats=0,
        **({} if sums is None else vars(sums.constants)),
    )


def token_cycles(node: Node, config: CoreConfig) -> int:
    """Cycles in which a token of the result is streamed: once for each tile."""
    return k_tiles(unplaced(node, config), config) * tiles(node.n, config.cols) * instructions(node, config)
