"""Random work for the epilogue, and what the integer model makes of it."""

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.config import MAX_CHANNELS, CoreConfig
from pointwise.hw.contract.isa import Conv
from pointwise.hw.contract.walks import ADDRESS_BITS
from pointwise.model.integer.interpolation import RECIPROCAL_INPUT_BITS, reciprocal
from pointwise.model.integer.layernorm import NormConstants, statistics, token_sums
from pointwise.model.integer.requantise import add_residual, add_scaled, look_up, requantise
from pointwise.model.integer.rounding import INT8, INT16, UINT8
from pointwise.model.integer.softmax import divide

Write = tuple[bool, int, tuple[tuple[int, int], ...]]
"""One write: residual or activation SRAM, address, and (lane, value) of the lanes of its mask."""


@dataclass(frozen=True)
class Work:
    """One convolution as the epilogue sees it.

    Attributes:
        conv: the instruction. acc: (T, N) accumulators. bias, mult, shift: (N,).
        table: (256,) bytes; total: (T,) softmax denominators; old: (T, N) what is added to. Each is used
            where the instruction says so.
        result: (T, N) what must be written.
    """

    conv: Conv
    acc: np.ndarray
    bias: np.ndarray
    mult: np.ndarray
    shift: np.ndarray
    table: np.ndarray
    total: np.ndarray
    old: np.ndarray
    result: np.ndarray

    def place(self, config: CoreConfig, token: int, channel: int) -> tuple[int, int]:
        """Word address and lane of one result."""
        word = channel // config.rows
        address = self.conv.out_base + token * self.conv.out_token_stride + word * self.conv.out_word_stride
        return address, channel % config.rows

    def writes(self, config: CoreConfig) -> list[Write]:
        """Every write in the order of the walk; groups wholly past N write nothing."""
        found = []
        for start in range(0, self.conv.n, config.cols):
            for token in range(self.conv.tokens):
                for first in range(start, min(start + config.cols, self.conv.n), config.post_lanes):
                    channels = range(first, min(first + config.post_lanes, self.conv.n))
                    places = [self.place(config, token, channel) for channel in channels]
                    limit = 65535 if self.conv.to_residual else 255
                    values = [int(self.result[token, channel]) & limit for channel in channels]
                    lanes = [lane for _, lane in places]
                    found.append(
                        (self.conv.to_residual, places[0][0], tuple(zip(lanes, values, strict=True)))
                    )
        return found

    def reciprocals(self) -> tuple[np.ndarray, np.ndarray]:
        """(T,) mult and leading of the denominators."""
        return reciprocal(np.maximum(self.total, 1))

    def statistics(self) -> np.ndarray:
        """(3, T): mean, mult and shift for the LayerNorm that follows."""
        names = ("mean_mult", "mean_shift", "norm_mult", "norm_shift", "epsilon")
        constants = NormConstants(*(getattr(self.conv, name) for name in names))
        return np.stack(statistics(*token_sums(self.result), constants))


def random_conv(rng: np.random.Generator, config: CoreConfig, *, post_wait_dma: int = 0) -> Conv:
    """Any legal mixture of flags; sizes around the array's, one among them."""
    tokens = int(rng.choice([1, 1, 2, int(rng.integers(1, config.max_tokens + 1))]))
    n = int(rng.choice([1, config.cols, int(rng.integers(1, 3 * config.cols + 1))]))
    to_residual, divided = bool(rng.integers(0, 2)), bool(rng.random() < 0.3)
    table, unsigned = (bool(rng.integers(0, 2)) and not to_residual for _ in range(2))
    add, sums = bool(rng.integers(0, 2)), bool(rng.integers(0, 2)) and to_residual
    table = table and not add
    scaled = add and not to_residual
    words = -(-n // config.rows)
    token_stride, word_stride = ((words + int(rng.integers(0, 3)), 1), (1, tokens))[int(rng.integers(0, 2))]
    size = tokens * token_stride + words * word_stride
    most = min(config.act_words, config.res_words) - size
    base = int(rng.integers(0, most))
    # In place, or where the convolution writes nothing.
    behind = int(rng.choice([place - base for place in range(most) if abs(place - base) >= size] or [0]))
    return Conv(
        tokens=tokens,
        k=1,
        n=n,
        in_base=0,
        in_token_stride=0,
        out_base=base,
        out_token_stride=token_stride,
        out_word_stride=word_stride,
        stream_offset=0,
        stream_beats=0,
        to_residual=to_residual,
        out_unsigned=unsigned,
        table=table,
        divide=divided,
        row_max=not to_residual and not unsigned and bool(rng.integers(0, 2)),
        add=add,
        add_unsigned=scaled and bool(rng.integers(0, 2)),
        add_factor=int(rng.integers(0, 8)) if scaled else 0,
        add_shift=int(rng.integers(0, 8)) if scaled else 0,
        add_offset=behind % (1 << ADDRESS_BITS) if add and rng.integers(0, 2) else 0,
        sums=sums,
        max_slot=int(rng.integers(0, 2)),
        sum_slot=int(rng.integers(0, 2)),
        post_wait_dma=post_wait_dma,
        first_token=int(rng.integers(0, config.max_tokens - tokens + 1)),
        mean_mult=round((1 << 15 + n.bit_length()) / n) if n & (n - 1) else 1 << 15,
        mean_shift=15 + n.bit_length() if n & (n - 1) else 14 + n.bit_length(),
        norm_mult=int(rng.integers(1 << 15, 1 << 16)),
        norm_shift=int(rng.integers(0, 41)),
        epsilon=int(rng.integers(0, 1 << 32)) >> int(rng.integers(0, 32)),
    )


def random_work(rng: np.random.Generator, config: CoreConfig, *, post_wait_dma: int = 0) -> Work:
    """A random convolution, with numbers that reach and exceed all limits."""
    conv = random_conv(rng, config, post_wait_dma=post_wait_dma)
    tokens, n = conv.tokens, conv.n
    smaller = rng.integers(0, RECIPROCAL_INPUT_BITS + 1, tokens)
    total = rng.integers(0, 255 * MAX_CHANNELS + 1, tokens) >> smaller
    magnitude = 128 * np.maximum(total, 1)[:, None] if conv.divide else 1 << 31
    acc = rng.integers(-magnitude, magnitude, (tokens, n)) >> rng.integers(0, 16, (tokens, n))
    # A factor that brings most results inside their limits, so that all bits of the result count.
    shift = rng.integers(1, 48, n)
    mult = np.clip((1 << shift) >> int(rng.integers(0, 16)), 1, 65535) - rng.integers(0, 2, n)
    bias = rng.integers(-(1 << 31), 1 << 31, n) >> rng.integers(0, 32, n)
    table_bytes, old = rng.integers(-128, 128, 256), rng.integers(-32768, 32768, (tokens, n))
    narrow = UINT8 if conv.out_unsigned else INT8
    limits = INT16 if conv.to_residual or conv.add else narrow
    if conv.add and not conv.to_residual:
        old = np.where(rng.random(old.shape) < 0.2, rng.choice([-128, 127]), old % 256 - 128)
        old = old & 255 if conv.add_unsigned else old
    result = requantise(divide(acc, total) if conv.divide else acc, bias, mult, shift, limits)
    result = look_up(result, table_bytes) if conv.table else result
    if conv.add and conv.to_residual:
        result = add_residual(old, result)
    elif conv.add:
        result = add_scaled(old, result, conv.add_factor, conv.add_shift, narrow)
    return Work(conv, acc, bias, mult, shift, table_bytes, total, old, result)
