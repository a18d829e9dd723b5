"""Stationary streams, against a slow writer that follows the text of the contract row by row."""

import struct

import numpy as np
import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler.packing import channel_shifts, pack_stream, padded_channels, spread
from pointwise.model.compiler.shapes import random_config
from pointwise.model.engine import EngineOp
from pointwise.model.engine.op import Exponential, LookUp, Normalise, Plain, Requantise, Values, Weights
from pointwise.model.graph import Quantisation


def expected(
    op: EngineOp, weight: np.ndarray | None, k: int, shifts: np.ndarray | None, config: CoreConfig
) -> bytes:
    """The stream, one row after the other."""
    rows, cols = config.rows, config.cols
    lines: list[list[int]] = []

    def emit(values: list[int]) -> None:
        lines.extend(values[first : first + cols] for first in range(0, len(values), cols))

    if isinstance(op.prologue, Exponential):
        emit([int(v) & 255 for v in op.prologue.table])
    if (looked_up := op.stage(LookUp)) is not None:
        emit([int(v) & 255 for v in looked_up.table])
    count, factors = op.n, op.requantise
    for n0 in range(0, count, cols):
        channels = range(n0, min(n0 + cols, count))
        words = [
            struct.pack("<iHBB", factors.bias[c], factors.mult[c], factors.shift[c], 0) for c in channels
        ]
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


def operation(
    rng: np.random.Generator,
    n: int,
    prologue: Plain | Normalise | Exponential,
    stationary: Weights | Values,
    table: np.ndarray | None = None,
) -> EngineOp:
    """An operation with random factors; what the stream does not hold is left open."""
    factors = Requantise(
        rng.integers(-(2**31), 2**31, n), rng.integers(0, 65536, n), rng.integers(1, 48, n), "int8"
    )
    looked_up = () if table is None else (LookUp(table, "int8"),)
    return EngineOp(
        name="fc",
        members=("fc",),
        streamed=("x",),
        first=0,
        tokens=1,
        prologue=prologue,
        stationary=stationary,
        epilogue=(factors, *looked_up),
        output="fc",
        quantisation=Quantisation(),
        k=0,
        n=n,
    )


@pytest.mark.parametrize("seed", range(30))
def test_stream_follows_the_contract(seed: int):
    rng = np.random.default_rng(seed)
    config = random_config(seed)
    n, k = (int(value) for value in rng.integers(1, 40, 2))
    weight, shifts = rng.integers(-128, 128, (n, k)), None
    prologue, stationary = Plain(False), Weights(weight, 8)
    kind = seed % 3
    if kind == 1:
        shifts = rng.integers(0, 16, k)
        shifts[0] = 1
        prologue = Normalise(shifts)
    if kind == 2:
        weight, prologue, stationary = None, Exponential(rng.integers(0, 256, 256)), Values("v")
    table = rng.integers(-128, 128, 256) if seed % 2 else None
    op = operation(rng, n, prologue, stationary, table)
    assert pack_stream(op, (k,), config) == expected(op, weight, k, shifts, config)


def test_inputs_side_by_side_get_zero_weights_in_their_padding():
    config = CoreConfig(rows=4, cols=4)
    assert padded_channels((3, 5, 2), config) == 4 + 8 + 2
    values = np.arange(1, 11)[None]
    assert spread(values, (3, 5, 2), config).tolist() == [[1, 2, 3, 0, 4, 5, 6, 7, 8, 0, 0, 0, 9, 10]]


def test_shifts_that_are_all_zero_are_left_out():
    rng = np.random.default_rng(0)
    for shifts, carried in ((None, False), (np.zeros(3, int), False), (np.array([0, 0, 1]), True)):
        op = operation(rng, 2, Normalise(shifts), Weights(np.zeros((2, 3), int), 8))
        assert (channel_shifts(op) is not None) == carried


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
    weight, table = rng.integers(-128, 128, (3, 5)), np.zeros(256, int)
    op = operation(rng, 3, Plain(False), Weights(weight, 8), table)
    array = {"weight": weight, "table": table}.get(field)
    array = getattr(op.requantise, field) if array is None else array
    array.flat[-1] = value
    with pytest.raises(PointwiseError, match=f"fc has {field} values"):
        pack_stream(op, (5,), CoreConfig())
