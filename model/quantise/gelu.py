"""GELU by table: the range of the index, the scale and zero point of the result, and the table itself."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from pointwise.model.graph.functions import function
from pointwise.model.integer.rounding import INT8, UINT8

from .channel_groups import allowed
from .recipe import LayerConfig
from .statistics import Statistics

STEPS = INT8[1] - INT8[0]
LEAST = -0.16997
"""The minimum of GELU, a little below x = −0.75."""
BOTTOMS = tuple(-0.75 - step / 8 for step in range(40))
"""Where the index may start: GELU is almost flat there, so that clipping costs little for a finer step."""
SHRINKS = tuple(1 - step / 16 for step in range(9))
"""Steps of the result that are tried, as parts of the index step."""

BINS = 4096
"""Of the values of all channels together."""

DEFAULT = LayerConfig()


@dataclass(frozen=True)
class GeluPlan:
    """One GELU.

    Attributes:
        index_scale, index_centre: x = index_scale · index + index_centre for an index of −128..127.
        scale, zero_point: GELU(x) = scale · (byte − zero_point).
        table: (256,) of ``dtype``; the entry (index & 255) belongs to an index.
    """

    index_scale: float
    index_centre: float
    scale: float
    zero_point: int
    table: np.ndarray
    dtype: str = "uint8"

    def signed(self) -> "GeluPlan":
        """The same function in bytes from −128 on."""
        entries = (self.table.astype(np.int16) + INT8[0]).astype(np.int8)
        return replace(self, zero_point=self.zero_point + INT8[0], table=entries, dtype="int8")


def gelu(x: np.ndarray) -> np.ndarray:
    """x · Φ(x), exact."""
    return function("gelu")(torch.from_numpy(np.asarray(x, np.float64))).numpy()


def plan_gelu(
    name: str,
    statistics: Statistics,
    config: LayerConfig = DEFAULT,
    step: float | None = None,
    channels: np.ndarray | None = None,
) -> GeluPlan:
    """Choose the table of the GELU ``name`` (``blocks.i.mlp.act``), or of a group of its channels.

    Where the recipe says so, both ends of the index range and the step of the result are searched for the
    least squared error on the calibration data: at the bottom GELU is almost flat, so that clipping costs
    little for a finer step, and at the top few values are worth no step. Otherwise index and result cover the
    range that the recipe's method finds.

    Args:
        config: the recipe of the layer (``blocks.i.mlp.fc1``).
        step: of the result, where training has fixed it; the index range alone is searched then.
        channels: of the group; all unless given.

    Raises:
        PointwiseError: the GELU's input is always the same.
    """
    low, high = (float(limit[0]) for limit in statistics[f"{name}.input"].min_max(symmetric=False))
    histogram = statistics.hidden[name]
    if channels is None:
        channels = np.arange(len(histogram.width))
    else:
        lowest, highest = statistics.reach[name].min_max(symmetric=False)[0], allowed(statistics, name)
        low, high = (
            max(low, float(lowest[channels].min())),
            min(high, float(highest[channels].max())),
        )
    low, high = min(low, 0.0), max(high, 2.0**-8)
    values, counts = (part.numpy() for part in histogram.together(channels, BINS))
    exact = gelu(values)

    def error(plan: GeluPlan) -> float:
        return float(counts @ (apply(plan, values) - exact) ** 2)

    def plans(bottom: float, top: float) -> list[GeluPlan]:
        index_scale = (top - bottom) / STEPS
        least = (top - LEAST) / UINT8[1]
        shrinks = SHRINKS if config.search else (0.0,)
        steps = {step} if step else {max(least, index_scale * shrink) for shrink in shrinks}
        centre = bottom - INT8[0] * index_scale
        # With 0 on both grids, the identity's part of the table rounds once and not twice.
        centres = {centre, round(centre / index_scale) * index_scale} if config.search else {centre}
        return [make_table(index_scale, at, scale) for scale in sorted(steps) for at in sorted(centres)]

    if not config.search:
        return plans(low, high)[0]
    bottoms = sorted({max(low, bottom) for bottom in BOTTOMS})
    return min((plan for bottom in bottoms for plan in plans(bottom, high)), key=error)


def make_table(index_scale: float, index_centre: float, scale: float) -> GeluPlan:
    """Return the plan whose entries are GELU of the middle of each index, rounded to the nearest byte."""
    exact = gelu(index_scale * np.arange(INT8[0], INT8[1] + 1) + index_centre)
    zero_point = max(0, math.floor(-exact.min() / scale + 0.5))
    entries = np.clip(np.floor(exact / scale + 0.5) + zero_point, *UINT8).astype(np.uint8)
    # Entry (index & 255): the indices 0..127 first, then −128..−1.
    return GeluPlan(index_scale, index_centre, scale, zero_point, np.roll(entries, INT8[0]))


def apply(plan: GeluPlan, x: np.ndarray) -> np.ndarray:
    """Return what the table makes of real values, in real units."""
    index = np.clip(np.floor((x - plan.index_centre) / plan.index_scale + 0.5), *INT8).astype(np.int64)
    return plan.scale * (plan.table[index & 255].astype(np.float64) - plan.zero_point)
