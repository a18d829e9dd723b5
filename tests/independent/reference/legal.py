"""What an instruction may say. Everything else ends in Code.OPERAND before the instruction begins."""

from tests.independent.reference.core import Code, Core, CoreError, ceil_div
from tests.independent.reference.fields import Base, Conv, Dma, Instruction, Prologue, Space, Stationary

MAX_CHANNELS = 4096


def check(instruction: Instruction, core: Core) -> None:
    """Raises CoreError(OPERAND) with a sentence where a field is out of its range."""
    if isinstance(instruction, Conv):
        _check_conv(instruction, core)
    elif isinstance(instruction, Dma):
        _check_dma(instruction, core)


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise CoreError(Code.OPERAND, message)


def _check_conv(conv: Conv, core: Core) -> None:
    _need(conv.prologue <= max(Prologue), "prologue 3")
    _need(conv.stationary <= max(Stationary), "stationary 3")
    _need(conv.packing <= 2, "packing 3")
    _need(1 <= conv.tokens <= core.max_tokens, f"{conv.tokens} tokens")
    _need(1 <= conv.k <= MAX_CHANNELS, f"{conv.k} channels in")
    _need(1 <= conv.n <= MAX_CHANNELS, f"{conv.n} channels out")
    _need(not conv.follow or conv.stationary == Stationary.STREAM, "follow with K or V")
    k_words, n_words = ceil_div(conv.k, core.rows), ceil_div(conv.n, core.rows)
    read = core.res_words if conv.prologue == Prologue.NORMALISE else core.act_words
    write = core.res_words if conv.to_residual else core.act_words
    end = last(conv.in_base, conv.tokens, conv.in_token_stride, k_words, conv.in_tile_stride)
    _need(end < read, "in_base")
    end = last(conv.out_base, conv.tokens, conv.out_token_stride, n_words, conv.out_word_stride)
    _need(end < write, "out_base")
    if conv.stationary != Stationary.STREAM:
        tokens, words = (conv.n, k_words) if conv.stationary == Stationary.KEYS else (conv.k, n_words)
        end = last(conv.stat_base, tokens, conv.stat_token_stride, words, conv.stat_word_stride)
        _need(end < core.act_words, "stat_base")
    if conv.sums or conv.row_max or conv.prologue != Prologue.PLAIN:
        _need(conv.first_token + conv.tokens <= core.max_tokens, "first_token")


def _check_dma(dma: Dma, core: Core) -> None:
    _need(dma.base <= max(Base), "base 3")
    _need(dma.rows > 0, "no rows")
    _need(dma.words > 0, "no words")
    words = core.res_words if dma.space == Space.RESIDUAL else core.act_words
    _need(last(dma.sram_base, dma.rows, dma.sram_stride, dma.words, 1) < words, "sram_base")


def last(base: int, outer: int, outer_stride: int, inner: int, inner_stride: int) -> int:
    """The highest address of a strided block."""
    return base + (outer - 1) * outer_stride + (inner - 1) * inner_stride
