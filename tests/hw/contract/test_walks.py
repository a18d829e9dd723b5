"""The nests of loops, against what the instruction set says of words."""

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv
from pointwise.hw.contract.walks import LoopNest, keys, results, values

SHAPES = ((4, 4), (2, 8), (8, 2), (6, 3), (1, 1))


def _conv(rng: np.random.Generator) -> Conv:
    base, *strides = (int(value) for value in rng.integers(1, 1000, 5))
    k, n, tokens = (int(value) for value in rng.integers(1, 40, 3))
    return Conv(
        tokens=tokens,
        k=k,
        n=n,
        in_base=0,
        in_token_stride=0,
        out_base=base,
        out_token_stride=strides[0],
        out_word_stride=strides[1],
        stat_base=base,
        stat_token_stride=strides[2],
        stat_word_stride=strides[3],
        stream_offset=0,
        stream_beats=0,
    )


def test_a_nest_adds_its_strides_the_innermost_first():
    nest = LoopNest(250, (2, 3), (1, 4), bits=8, count=5)
    assert list(nest.addresses()) == [250, 251, 254, 255, 2]
    assert np.array_equal(nest.address((np.arange(2), 1)), [254, 255])


@pytest.mark.parametrize("shape", SHAPES)
def test_results_lie_where_their_token_and_their_word_say(shape):
    rng, config = np.random.default_rng(7), CoreConfig(rows=shape[0], cols=shape[1])
    for conv in (_conv(rng) for _ in range(20)):
        found = set(results(conv, config).addresses())
        words = range(-(-conv.n // config.rows))
        wanted = {
            conv.out_base + token * conv.out_token_stride + word * conv.out_word_stride
            for token in range(conv.tokens)
            for word in words
        }
        beyond = range(words.stop, -(-conv.n // config.cols) * config.cols // config.rows + 1)
        spare = {
            conv.out_base + token * conv.out_token_stride + word * conv.out_word_stride
            for token in range(conv.tokens)
            for word in beyond
        }
        assert wanted <= found <= wanted | spare  # where a last N-tile has words beyond N, nothing is written


@pytest.mark.parametrize("shape", SHAPES)
def test_keys_are_tokens_in_columns_and_values_tokens_in_rows(shape):
    rng, config = np.random.default_rng(8), CoreConfig(rows=shape[0], cols=shape[1])
    rows, cols = shape
    for conv in (_conv(rng) for _ in range(20)):
        k, n = int(rng.integers(0, conv.k)), int(rng.integers(0, conv.n))
        found = keys(conv, config).address((n % cols, k // rows, n // cols))
        assert found == conv.stat_base + n * conv.stat_token_stride + k // rows * conv.stat_word_stride
        beside, each = max(1, cols // rows), max(1, rows // cols)
        tile = n // cols
        turns = (n % cols // rows if beside > 1 else 0, k, tile % each, tile // each)
        found = values(conv, config).address(turns)
        assert found == conv.stat_base + k * conv.stat_token_stride + n // rows * conv.stat_word_stride
