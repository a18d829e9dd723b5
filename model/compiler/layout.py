"""How a tensor lies in SRAM words and in DRAM blocks.

On chip a tensor is word-major: word w of token t lies at base + w·tokens + t, so that a tensor is one
contiguous block whose size does not depend on where its neighbours lie, parts side by side simply follow
one another, and DMA moves long runs. In DRAM a block keeps the same order; lanes are padded to a power of
two."""

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import align
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.stream import tiles

DTYPES: dict[str, np.dtype] = {
    name: np.dtype(f"<{code}") for name, code in (("int8", "i1"), ("uint8", "u1"), ("int16", "i2"))
}
"""Element types of tensors, little-endian."""

MAX_DMA = 65535
"""The most rows, and the most words in a row, of one DMA instruction."""


def word_bytes(space: Space, config: CoreConfig) -> int:
    """Bytes of one word of a memory in DRAM, padding lanes included."""
    return config.res_word_bytes if space == Space.RESIDUAL else config.act_word_bytes


@dataclass(frozen=True)
class DramBlock:
    """Some tokens of a tensor in DRAM.

    Attributes:
        offset: bytes from the block's base register, a multiple of 64.
        tokens, channels: shape of what is stored; first_token: which token of the tensor the first one is.
        dtype: key of ``DTYPES``.
        row_stride: bytes from word w to word w + 1 of the same token.
        size: bytes taken, a multiple of 64.
        one_run: words follow one another without a gap, and one row of a DMA instruction moves them all.
    """

    offset: int
    tokens: int
    channels: int
    dtype: str
    row_stride: int
    size: int
    one_run: bool
    first_token: int = 0


def dram_block(
    offset: int,
    tokens: int,
    channels: int,
    dtype: str,
    config: CoreConfig,
    whole: bool = True,
    first_token: int = 0,
) -> DramBlock:
    """Lay out a block at ``offset``.

    Args:
        whole: the tensor in SRAM has just these tokens, so that it moves as one run where that is short
            enough for one row of a DMA instruction; otherwise each word index has a row of its own.
    """
    space = Space.RESIDUAL if dtype == "int16" else Space.ACTIVATION
    words = tiles(channels, config.rows)
    row = tokens * word_bytes(space, config)
    one_run = whole and words * tokens <= MAX_DMA
    if not one_run:
        row = align(row)
    return DramBlock(offset, tokens, channels, dtype, row, align(words * row), one_run, first_token)


def pack_block(values: np.ndarray, block: DramBlock, config: CoreConfig) -> bytes:
    """Bytes of ``block`` for integers of shape (tokens, channels) that fit its dtype; padding is zero."""
    dtype = DTYPES[block.dtype]
    words = tiles(block.channels, config.rows)
    lanes = np.zeros((block.tokens, words * config.rows), dtype)
    lanes[:, : block.channels] = values
    padded = np.zeros((words, block.tokens, config.act_word_bytes), dtype)
    padded[:, :, : config.rows] = lanes.reshape(block.tokens, words, config.rows).transpose(1, 0, 2)
    rows = padded.reshape(words, -1).view(np.uint8)
    out = np.zeros((words, block.row_stride), np.uint8)
    out[:, : rows.shape[1]] = rows
    return out.tobytes().ljust(block.size, b"\0")


def unpack_block(data: bytes, block: DramBlock, config: CoreConfig) -> np.ndarray:
    """The (tokens, channels) array that ``block`` of a DRAM region holds, in its dtype."""
    dtype = DTYPES[block.dtype]
    words = tiles(block.channels, config.rows)
    raw = np.frombuffer(data, np.uint8, words * block.row_stride, block.offset).reshape(
        words, block.row_stride
    )
    used = block.tokens * config.act_word_bytes * dtype.itemsize
    lanes = (
        np.ascontiguousarray(raw[:, :used]).view(dtype).reshape(words, block.tokens, config.act_word_bytes)
    )
    whole = lanes[:, :, : config.rows].transpose(1, 0, 2).reshape(block.tokens, words * config.rows)
    return np.ascontiguousarray(whole[:, : block.channels])
