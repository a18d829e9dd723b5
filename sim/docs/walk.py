"""One token through a convolution, with numbers: a table of docs/architecture.md, from the integer model."""

from collections.abc import Sequence

import numpy as np

from pointwise.model.graph.ops import Linear
from pointwise.model.integer.convolution import convolve

from .markdown import markdown

ROWS = 2
"""R of the example, whose C is 2 too, so that four channels in are two K-tiles."""
TOKEN = np.array([[12, -7, 100, 45]], np.int8)
LAYER = Linear(
    "example",
    ("x",),
    weight=np.array([[50, -20, 3, 7], [-90, 64, 31, 127]], np.int8),
    bias=np.array([-300, 1200], np.int32),
    mult=np.array([40_000, 50_000], np.uint16),
    shift=np.array([19, 23], np.uint8),
)


def walk() -> str:
    """A row for each step of the way, with the numbers of both output channels."""
    weight, bias = LAYER.weight, np.asarray(LAYER.bias)
    words = [slice(start, start + ROWS) for start in range(0, TOKEN.shape[1], ROWS)]
    parts = [convolve(TOKEN[:, word], weight[:, word])[0] for word in words]
    sums = np.sum(parts, axis=0)
    total = sums + bias
    scaled = total * np.asarray(LAYER.mult, np.int64)
    result = LAYER.integer(TOKEN)[0]
    # Half up, and within a byte: the steps are those of the specification.
    halves = 1 << np.asarray(LAYER.shift, np.int64) - 1
    rounded = (scaled + halves) >> np.asarray(LAYER.shift, np.int64)
    assert (np.clip(rounded, -128, 127) == result).all()
    rows = [
        (f"word {i} of the activation SRAM, K-tile {i}", _numbers(TOKEN[0, word]), "prologue: plain")
        for i, word in enumerate(words)
    ]
    rows += [
        (f"weights of K-tile {i}, a row a channel in", _matrix(weight[:, word].T), "in the array's cells")
        for i, word in enumerate(words)
    ]
    rows += [
        (f"products of K-tile {i}, summed down", _numbers(part), "out of the array")
        for i, part in enumerate(parts)
    ]
    rows += [
        ("sum of the K-tiles", _numbers(sums), "accumulators, int32"),
        (f"+ bias {_numbers(bias)}", _numbers(total), "epilogue: requantisation"),
        (f"· multiplier {_numbers(LAYER.mult)}", _numbers(scaled), ""),
        (f"/ 2^shift, shift {_numbers(LAYER.shift)}, rounded half up", _numbers(rounded), ""),
        ("within −128..127", _numbers(result), "a word of the activation SRAM"),
    ]
    return markdown(["step", "numbers", "where"], rows)


def _numbers(values: Sequence[int] | np.ndarray) -> str:
    return ", ".join(f"{int(value):,}".replace("-", "−") for value in values)


def _matrix(rows: np.ndarray) -> str:
    return " / ".join(_numbers(row) for row in rows)
