"""From normalised images to the int8 tokens of the first convolution."""

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Graph
from pointwise.model.graph.arrangement import Arrangement
from pointwise.model.integer.rounding import INT8

from .statistics import TensorObserver

PIXELS, ROWS = "pixels", "patches"
"""Records of the network's input: of each group of channels with a scale of its own, and of its rows."""
STEPS = INT8[1] - INT8[0]
GRID_TOLERANCE = 1e-4
"""How far, as a part of the whole grid, a pixel may lie from its point: float32 moves it a little."""


@dataclass(frozen=True)
class PixelScales:
    """Pixel = scale · integer + offset, for each colour: two (colours,) float64 arrays."""

    scale: np.ndarray
    offset: np.ndarray


def pixel_scales(record: TensorObserver, grids: list[np.ndarray | None]) -> PixelScales:
    """Choose the scale of each colour.

    Where the pixels lie on a grid of at most 256 steps, as those of 8-bit images do before and after
    normalisation, the integers are that grid and the input is exact. Otherwise they cover the recorded range.

    Args:
        record: what calibration saw of the pixels. grids: the distinct values of each colour, or None.

    Raises:
        PointwiseError: all pixels are the same.
    """
    pairs = []
    for low, high, values in zip(*record.min_max(symmetric=False), grids, strict=True):
        step = None if values is None else _grid_step(values.astype(np.float64))
        if step is None:
            step = max((high - low) / STEPS, 1e-6)
        elif values is not None and values[-1] - values[0] < INT8[1] * step and _is_whole(values[0] / step):
            pairs.append((step, 0.0))  # the integers then need no offset
            continue
        elif values is not None:
            low = float(values[0])
        pairs.append((step, low - INT8[0] * step))
    return PixelScales(*np.array(pairs).T)


def _is_whole(position: float) -> bool:
    return abs(position - round(position)) < GRID_TOLERANCE * STEPS


def _grid_step(values: np.ndarray) -> float | None:
    """The step of the grid on which sorted ``values`` lie, if it has at most 256 points."""
    if len(values) < 3:
        return None
    gaps = np.diff(values)
    step = gaps.min()
    count = np.round((values[-1] - values[0]) / step)
    if count < 1 or count > STEPS:
        return None
    step = (values[-1] - values[0]) / count  # the two ends give the step best
    positions = (values - values[0]) / step
    return step if np.abs(positions - np.round(positions)).max() < GRID_TOLERANCE * STEPS else None


def pixel_rows(network: Graph, images: np.ndarray) -> np.ndarray:
    """Return the rows of pixels that a network of real numbers takes, for normalised images.

    Channel (c · patch + i) · patch + j of a patch's row is colour c of its pixel (i, j), which is the order
    of a flattened convolution kernel; patches follow each other row by row. The class token, and the
    distillation token if any, come first as rows of zeros. A network with an arrangement of its own has the
    rows that this picks.

    Args:
        network: with ``info["input"]``, or ``info["arrangement"]``, which says what inputs have in place of
            (colours, S, S). images: (B, colours, S, S) real.

    Returns:
        (B, tokens, patch² · colours) float64.

    Raises:
        PointwiseError: the images have another shape.
    """
    if "arrangement" in network.info:
        return arranged_rows(network, images)
    geometry = network.info["input"]
    patch, size, colours = geometry["patch"], geometry["image_size"], geometry["in_channels"]
    images = np.asarray(images, np.float64)
    if images.ndim != 4 or images.shape[1:] != (colours, size, size):
        raise PointwiseError(
            f"The images have the shape {images.shape}, but {network.name} takes "
            f"(images, {colours}, {size}, {size}); "
            "choose images of that size."
        )
    return patch_rows(images, patch, network.input.zero_rows)


def patch_rows(images: np.ndarray, patch: int, zero_rows: int = 0) -> np.ndarray:
    """Rows (B, zero_rows + patches, patch² · colours), float64, of images (B, colours, S, S); the first are
    zeros."""
    images = np.asarray(images, np.float64)
    count, colours, size = images.shape[:3]
    grid = size // patch
    patches = images.reshape(count, colours, grid, patch, grid, patch).transpose(0, 2, 4, 1, 3, 5)
    rows = np.zeros((count, zero_rows + grid * grid, colours * patch * patch))
    rows[:, zero_rows:] = patches.reshape(count, grid * grid, -1)
    return rows


def arranged_rows(network: Graph, inputs: np.ndarray) -> np.ndarray:
    """The rows (B, tokens, channels), float64, of inputs (B, *shape), as the network's arrangement has them.

    Raises:
        PointwiseError: the inputs have another shape.
    """
    arrangement = Arrangement.from_dict(network.info["arrangement"])
    if np.shape(inputs)[1:] != arrangement.shape:
        wanted = ", ".join(map(str, arrangement.shape))
        raise PointwiseError(
            f"The inputs have the shape {np.shape(inputs)}, but {network.name} takes (inputs, {wanted}); "
            "choose inputs of that size."
        )
    return arrangement.rows(inputs)


def patchify(network: Graph, images: np.ndarray) -> np.ndarray:
    """Return the input of the integer network for normalised images, see ``pixel_rows``.

    Returns:
        (B, tokens, patch² · colours) int8; pixels beyond the calibrated range are clamped.
    """
    return rounded_rows(network, pixel_rows(network, images)).astype(np.int8)


def rounded_rows(network: Graph, rows: np.ndarray) -> np.ndarray:
    """The integers of rows of real pixels (B, tokens, channels), int64; those of class tokens stay zeros."""
    given = network.input
    integers = given.quantisation.rounded(rows, given.dtype)
    integers[:, : given.zero_rows] = 0
    return integers
