"""Tensors to DRAM blocks and back."""

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler.layout import DTYPES, MAX_DMA, dram_block, pack_block, unpack_block
from pointwise.model.compiler.shapes import random_config


def test_bytes_of_a_small_block_are_word_major():
    """3 lanes in words of 4: word 0 of both tokens comes first, channel 3 opens word 1."""
    config = CoreConfig(rows=3, cols=3)
    block = dram_block(0, tokens=2, channels=4, dtype="int8", config=config)
    data = pack_block(np.array([[1, 2, 3, 4], [-1, -2, -3, -4]]), block, config)
    assert data[:16] == bytes([1, 2, 3, 0, 255, 254, 253, 0, 4, 0, 0, 0, 252, 0, 0, 0])
    assert len(data) == block.size == 64 and not any(data[16:])


def test_residual_words_are_little_endian():
    config = CoreConfig(rows=2, cols=2)
    block = dram_block(0, tokens=1, channels=2, dtype="int16", config=config)
    assert pack_block(np.array([[0x1234, -2]]), block, config)[:4] == bytes([0x34, 0x12, 0xFE, 0xFF])


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("whole", [False, True])
def test_unpack_reverses_pack(seed: int, dtype: str, whole: bool):
    rng = np.random.default_rng(seed)
    config = random_config(seed)
    tokens, channels = int(rng.integers(1, 30)), int(rng.integers(1, 50))
    info = np.iinfo(DTYPES[dtype])
    values = rng.integers(info.min, info.max + 1, (tokens, channels))
    block = dram_block(128, tokens, channels, dtype, config, whole=whole)
    data = bytes(128) + pack_block(values, block, config)
    found = unpack_block(data, block, config)
    assert found.dtype == DTYPES[dtype]
    assert np.array_equal(found, values)
    assert len(data) == 128 + block.size
    assert block.one_run or block.row_stride % 64 == 0


def test_a_tensor_too_long_for_one_row_of_dma_gets_aligned_rows():
    config = CoreConfig(rows=1, cols=1, max_tokens=1024)
    assert dram_block(0, 1023, MAX_DMA // 1023, "int8", config).one_run
    block = dram_block(0, 1023, MAX_DMA // 1023 + 1, "int8", config)
    assert not block.one_run and block.row_stride == 1024
