"""Stationary streams, against a slow writer that follows the text of the contract row by row."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.isa import Prologue, Stationary
from model.compiler.packing import pack_stream, padded_channels, spread, uses_shifts
from model.compiler.shapes import random_config
from model.integer.network import Layer


def expected(
    layer: Layer, weight: np.ndarray | None, k: int, shifts: np.ndarray | None, config: CoreConfig
) -> bytes:
    """The stream, one row after the other."""
    rows, cols = config.rows, config.cols
    lines: list[list[int]] = []

    def emit(values: list[int]) -> None:
        lines.extend(values[first : first + cols] for first in range(0, len(values), cols))

    if layer.prologue == Prologue.EXPONENTIAL:
        emit([int(v) & 255 for v in layer.exp_table])
    if layer.table is not None:
        emit([int(v) & 255 for v in layer.table])
    count = len(layer.bias)
    for n0 in range(0, count, cols):
        channels = range(n0, min(n0 + cols, count))
        words = [struct.pack("<iHBB", layer.bias[c], layer.mult[c], layer.shift[c], 0) for c in channels]
        lines.extend([word[plane] for word in words] for plane in range(8))
        for k0 in range(0, k, rows):
            if shifts is not None:
                tile = [int(v) for v in shifts[k0 : k0 + rows]]
                emit(tile + [0] * (rows - len(tile)))
            if weight is not None:
                for row in range(k0, k0 + rows):
                    lines.append([int(weight[c, row]) & 255 if row < k else 0 for c in channels])
    data = b"".join(bytes(line).ljust(config.row_bytes, b"\0") for line in lines)
    return data.ljust(-(-len(data) // 64) * 64, b"\0")


def parameters(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    return {
        "bias": rng.integers(-(2**31), 2**31, n),
        "mult": rng.integers(0, 65536, n),
        "shift": rng.integers(1, 48, n),
    }


@pytest.mark.parametrize("seed", range(30))
def test_stream_follows_the_contract(seed: int):
    rng = np.random.default_rng(seed)
    config = random_config(seed)
    n, k = (int(value) for value in rng.integers(1, 40, 2))
    layer = Layer("l", ("x",), "y", **parameters(rng, n), weight=rng.integers(-128, 128, (n, k)))
    weight, shifts = layer.weight, None
    kind = seed % 3
    if kind == 1:
        shifts = rng.integers(0, 16, k)
        shifts[0] = 1
        layer = replace(layer, prologue=Prologue.NORMALISE, channel_shift=shifts)
    if kind == 2:
        weight = None
        layer = replace(
            layer, prologue=Prologue.EXPONENTIAL, exp_table=rng.integers(0, 256, 256), weight=None
        )
        layer = replace(layer, stationary=Stationary.VALUES, stationary_input="v")
    if seed % 2:
        layer = replace(layer, table=rng.integers(-128, 128, 256))
    assert pack_stream(layer, (k,), config) == expected(layer, weight, k, shifts, config)


def test_inputs_side_by_side_get_zero_weights_in_their_padding():
    config = CoreConfig(rows=4, cols=4)
    assert padded_channels((3, 5, 2), config) == 4 + 8 + 2
    values = np.arange(1, 11)[None]
    assert spread(values, (3, 5, 2), config).tolist() == [[1, 2, 3, 0, 4, 5, 6, 7, 8, 0, 0, 0, 9, 10]]


def test_shifts_that_are_all_zero_are_left_out():
    rng = np.random.default_rng(0)
    layer = Layer(
        "l", ("x",), "y", **parameters(rng, 2), prologue=Prologue.NORMALISE, channel_shift=np.zeros(3, int)
    )
    assert not uses_shifts(layer)
    assert uses_shifts(replace(layer, channel_shift=np.array([0, 0, 1])))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bias", 2**31),
        ("mult", 65536),
        ("mult", -1),
        ("shift", 0),
        ("shift", 48),
        ("weight", 128),
        ("table", 128),
    ],
)
def test_values_that_the_stream_cannot_hold_are_named(field: str, value: int):
    rng = np.random.default_rng(0)
    layer = Layer("fc", ("x",), "y", **parameters(rng, 3), weight=rng.integers(-128, 128, (3, 5)))
    array = np.zeros(256, int) if field == "table" else np.array(getattr(layer, field))
    array.flat[-1] = value
    with pytest.raises(PointwiseError, match=f"layer fc has {field} values"):
        pack_stream(replace(layer, **{field: array}), (5,), CoreConfig())
