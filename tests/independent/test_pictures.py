"""Edges of pictures: second executor, emulator and core give the same output."""

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from tests.independent.comparison import emulated, expected, same_on_the_core
from tests.independent.programs import Generator
from tests.independent.project import core_of
from tests.independent.reference.core import Core
from tests.independent.reference.fields import Conv, StationarySource
from tests.independent.reference.stream import Operands
from tests.sim.system.cores import SHAPES
from tests.slow import few

PADDED = {
    "padded": 1,
    "in_width": 5,
    "in_height": 4,
    "step_x": 1,
    "step_y": 1,
    "dilation_x": 1,
    "dilation_y": 1,
}
"""A picture of 5 by 4 in steps of 1."""
SQUARE = {"tokens": 6, "row_tokens": 3, "in_token_stride": 1, "in_row_stride": 5, "in_tap_stride": 1}
"""Two rows of three tokens in it."""
KERNEL = {"extra_taps": 2, "extra_lines": 2, "in_tap_row_stride": 5}
PICTURE = PADDED | SQUARE | KERNEL

EDGES = {
    "padding on every side": PICTURE | {"first_x": -2 & 4095, "first_y": -1 & 4095, "k": 7, "n": 9},
    "padded with a uint8": PICTURE | {"first_y": -2 & 4095, "pad_value": 200, "in_unsigned": 1, "n": 3},
    "padded with an int8": PICTURE | {"first_y": -2 & 4095, "pad_value": 200, "n": 3},
    "nothing inside": PICTURE | {"in_width": 0, "pad_value": 255, "in_unsigned": 1, "k": 21, "n": 5},
    "no line inside": PICTURE | {"in_height": 0, "pad_value": 128, "k": 5, "n": 5},
    "far outside": PICTURE | {"first_x": 2047, "first_y": 2048, "pad_value": 1, "k": 3, "n": 3},
    "columns that wrap": PICTURE | {"first_x": 2040, "in_width": 2047, "step_x": 15, "dilation_x": 7, "n": 3},
    "lines that wrap": PICTURE | {"first_y": 4090, "in_height": 2047, "step_y": 15, "dilation_y": 15, "n": 3},
    "16 by 16 taps": PICTURE | {"extra_taps": 15, "extra_lines": 15, "first_x": -8 & 4095, "k": 5, "n": 3},
    "16 by 16 taps without padding": SQUARE
    | {"extra_taps": 15, "extra_lines": 15, "in_tap_row_stride": 2, "k": 5, "n": 3},
    "depthwise": PICTURE | {"diagonal": 1, "k": 12, "n": 30, "first_x": -1 & 4095},
    "maxima": PICTURE | {"diagonal": 1, "maximum": 1, "k": 12, "n": 30, "pad_value": 128, "first_x": 4095},
    "maxima of uint8": PICTURE | {"diagonal": 1, "maximum": 1, "k": 9, "n": 9, "in_unsigned": 1},
    "a table of pictures": PICTURE | {"table": 1, "k": 9, "n": 9, "packing": 2},
    "a scaled sum": PICTURE
    | {"add": 1, "add_factor": 7, "add_shift": 7, "add_unsigned": 1, "out_unsigned": 1, "n": 9},
    "a sum without a factor": PICTURE | {"add": 1, "n": 9},
    "keys in padding": {"stationary": StationarySource.KEYS, "k": 6, "n": 9}
    | PADDED
    | SQUARE
    | {"first_x": 4095},
    "values of several rows": {"stationary": StationarySource.VALUES, "k": 6, "n": 9} | PADDED | SQUARE,
}
CORES = ("4x4", "3x6", "16x8")


def draw_all(core: Core, **room: int) -> Generator:
    """A program of every edge."""
    generator = Generator(np.random.default_rng(0), core, **room)
    for name, fields in EDGES.items():
        assert generator.exactly(Conv(**fields)), name
    return generator


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (2, 64), (3, 6), (7, 21), (64, 32)])
def test_edges(rows: int, cols: int) -> None:
    config = CoreConfig(rows, cols, max_tokens=16, act_kib=64, res_kib=64, axi_data_width=64)
    drawn = draw_all(core_of(config), least=600, most=900).finish()
    assert np.array_equal(emulated(drawn, config), expected(drawn, config))


@pytest.mark.parametrize("shape", few(CORES, CORES[:1]))
def test_edges_on_the_core(shape: str) -> None:
    same_on_the_core(shape, draw_all(core_of(SHAPES[shape]), most=600).finish())


def test_sums_beyond_32_bits_on_the_core() -> None:
    """Only taps lead there; the lowest 32 bits are kept. Nothing is read: all lanes are 255."""
    config, channels, rng = SHAPES["4x4"], 3, np.random.default_rng(0)
    conv = Conv(tokens=2, k=4096, n=channels, in_unsigned=1, padded=1, pad_value=255, to_residual=1)
    conv.extra_taps, conv.extra_lines, conv.out_token_stride = 4, 3, 1
    weights = np.stack([np.full((4096, 20), value) for value in (-128, 127, 0)])
    weights[2] = rng.integers(-128, 128, weights.shape[1:])
    assert abs(255 * weights[0].sum()) > 1 << 31
    generator = Generator(rng, core_of(config))
    conv.out_base = generator.places.windows[1][0]
    scale = np.full(channels, 40_000), np.full(channels, 32)
    generator.program.conv(conv, Operands(np.array([0, 0, 2**31 - 1]), *scale, weights))
    drawn = generator.finish()
    same_on_the_core("4x4", drawn)
    assert np.array_equal(emulated(drawn, config), expected(drawn, config))
