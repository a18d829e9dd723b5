"""Random programs of convolutions over pictures: taps, steps, padding, diagonals, maxima, additions."""

from dataclasses import replace

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES, Header, seal, shape_word
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Base, Conv, Dma, End, Space
from pointwise.hw.contract.legal import SHIFTS
from pointwise.hw.contract.sound import faults
from pointwise.hw.contract.stream import (
    PLANE_SHIFT,
    PLANES,
    k_tiles,
    stream_bytes,
    table_rows,
    tiles,
    weight_rows,
)
from pointwise.hw.contract.walks import ADDRESS_BITS, PLACE_BITS
from pointwise.model.emulator.machine import Machine
from pointwise.model.emulator.steps import overtakes_itself

MOST = 7
"""The largest kernel."""


def random_conv(rng: np.random.Generator, config: CoreConfig) -> Conv:
    """A sound convolution of a picture anywhere in the memory, which it does not write over."""
    machine = Machine(config, 0)
    while True:
        conv = _drawn(rng, config)
        if conv is not None and not any(faults(conv, config)) and not overtakes_itself(machine, conv):
            return conv


def _drawn(rng: np.random.Generator, config: CoreConfig) -> Conv | None:
    def small(most: int) -> int:
        return int(rng.choice([1, rng.integers(1, most + 1)]))

    width, height = (int(size) for size in rng.integers(1, 13, 2))
    taps, lines = small(MOST), small(MOST)
    step_x, step_y, dilation_x, dilation_y = (small(3) for _ in range(4))
    left, top, right, bottom = (int(pad) for pad in rng.integers(0, 4, 4))
    columns = (width + left + right - dilation_x * (taps - 1) - 1) // step_x + 1
    rows = (height + top + bottom - dilation_y * (lines - 1) - 1) // step_y + 1
    if columns < 1 or rows < 1 or columns * rows > config.max_tokens:
        return None
    diagonal = bool(rng.integers(2))
    words_each = max(1, config.cols // config.rows) if diagonal else 0
    k = int(words_each * config.rows if diagonal else rng.integers(1, 3 * config.rows + 1))
    n = int(rng.integers(1, 3 * config.cols + 1))
    pixels, tokens = width * height, columns * rows
    base = int(rng.integers(0, config.act_words))
    padded = bool(left or top or right or bottom)
    to_residual = bool(rng.integers(2))
    add = bool(rng.integers(2))
    conv = Conv(
        tokens=tokens,
        k=k,
        n=n,
        row_tokens=columns if rows > 1 or rng.integers(2) else 0,
        in_base=(base - top * width - left) % (1 << ADDRESS_BITS),
        in_token_stride=step_x,
        in_row_stride=step_y * width,
        in_tap_stride=dilation_x,
        in_tap_row_stride=dilation_y * width,
        in_tile_stride=pixels,
        in_group_stride=words_each * pixels,
        extra_taps=taps - 1,
        extra_lines=lines - 1,
        padded=padded,
        pad_value=int(rng.integers(256)),
        first_x=-left % (1 << PLACE_BITS),
        first_y=-top % (1 << PLACE_BITS),
        step_x=step_x,
        step_y=step_y,
        dilation_x=dilation_x,
        dilation_y=dilation_y,
        in_width=width,
        in_height=height,
        in_unsigned=bool(rng.integers(2)),
        diagonal=diagonal,
        maximum=diagonal and bool(rng.integers(2)),
        packing=0 if diagonal else int(rng.integers(3)),
        out_base=int(rng.integers(0, config.res_words if to_residual else config.act_words)),
        out_token_stride=1,
        out_word_stride=tokens,
        to_residual=to_residual,
        out_unsigned=not to_residual and bool(rng.integers(2)),
        add=add,
        add_offset=int(rng.integers(-200, 200)) % (1 << ADDRESS_BITS) if add and rng.integers(2) else 0,
        add_unsigned=add and not to_residual and bool(rng.integers(2)),
        add_factor=int(rng.integers(8)) if add and not to_residual else 0,
        add_shift=int(rng.integers(8)) if add and not to_residual else 0,
        table=not add and not to_residual and bool(rng.integers(2)),
        stream_offset=0,
        stream_beats=1,
    )
    return replace(conv, stream_beats=stream_bytes(conv, config) // config.bus_bytes)


def random_stream(rng: np.random.Generator, conv: Conv, config: CoreConfig) -> bytes:
    """Random tables, biases, multipliers and weights, with shifts such that results are seldom all alike."""
    rows = rng.integers(0, 256, (stream_bytes(conv, config) // config.row_bytes, config.row_bytes), np.uint8)
    first = table_rows(config) * conv.table
    each = PLANES + k_tiles(conv, config) * weight_rows(conv, config)
    for n_tile in range(tiles(conv.n, config.cols)):
        planes = rows[first + n_tile * each : first + n_tile * each + PLANES]
        planes[2:4] = planes[1] >> 7  # a small bias: its higher bytes
        planes[2:4] *= 255
        planes[PLANE_SHIFT] = rng.integers(max(12, SHIFTS[0]), 26, config.row_bytes)
    return rows.tobytes()


def random_program(rng: np.random.Generator, config: CoreConfig, count: int) -> bytes:
    """An image that fills the memories from its input, convolves ``count`` times and stores both memories."""
    act, res = (config.act_words * config.act_word_bytes, config.res_words * config.res_word_bytes)
    moves = ((Space.ACTIVATION, 0, config.act_words), (Space.RESIDUAL, -(-act // 64) * 64, config.res_words))
    code = [Dma(False, space, Base.INPUT, at, 0, 0, 0, 1, words) for space, at, words in moves]
    streams: list[bytes] = []
    offset = HEADER_BYTES + (count + 5) * INSTRUCTION_BYTES
    for number in range(count):
        conv = random_conv(rng, config)
        code.append(replace(conv, stream_offset=offset, wait_conv=number, wait_dma=2))
        streams.append(random_stream(rng, conv, config))
        offset += len(streams[-1])
    for space, at, words in moves:
        code.append(Dma(True, space, Base.OUTPUT, at, 0, 0, 0, 1, words, wait_conv=count, wait_dma=2))
    size = moves[1][1] + -(-res // 64) * 64
    header = Header(
        shape=shape_word(config),
        length=offset + TRAILER_BYTES,
        program_offset=HEADER_BYTES,
        program_length=count + 5,
        max_tokens=config.max_tokens,
        act_words=config.act_words,
        res_words=config.res_words,
        input_bytes=size,
        output_bytes=size,
    )
    program = b"".join(instruction.encode() for instruction in (*code, End()))
    return seal(header.encode() + program + b"".join(streams))
