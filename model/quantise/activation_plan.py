"""The table of an activation: the range of its index, the scale and zero point of its result, the entries."""

import math

import numpy as np
import torch

from pointwise.model.graph import Quantisation
from pointwise.model.graph.clamps import CLAMPS
from pointwise.model.graph.functions import function
from pointwise.model.graph.ops import Activation
from pointwise.model.graph.ops.activation import BITS
from pointwise.model.integer.rounding import INT8, UINT8

from .channel_groups import allowed
from .gelu import GeluPlan as TablePlan
from .gelu import plan_gelu
from .recipe import LayerConfig
from .statistics import Statistics

__all__ = ["TablePlan", "fixed_table", "plan_activation"]

INDICES = 256
"""Entries of a table."""
LEAST_RANGE = 2.0**-8
"""Of an input that is (almost) always 0."""


def plan_activation(
    op: Activation,
    statistics: Statistics,
    config: LayerConfig,
    step: float | None = None,
    name: str = "",
    channels: np.ndarray | None = None,
) -> TablePlan:
    """Choose the table of an activation.

    GELU, almost flat on one side, is searched where the recipe says so (``gelu``). Of any other function the
    index covers the range of the input, and the result that of the function over it. A result of fewer than
    8 bits has so many values, from 0 on.

    Args:
        statistics: of calibration: the input under the operator's name and ``.input``.
        config: the recipe of the layer.
        step: of the result, where training has fixed it.
        name, channels: of the record of which the operator does a group, and which; its own name and all
            unless given.

    Raises:
        PointwiseError: the input is always the same.
    """
    name = name or op.name
    if op.function == "gelu" and op.bits == BITS[-1]:
        return plan_gelu(name, statistics, config, step, channels)
    low, high = (float(limit[0]) for limit in statistics[f"{name}.input"].min_max(symmetric=False))
    if channels is not None:
        lowest, highest = statistics.reach[name].min_max(symmetric=False)[0], allowed(statistics, name)
        low, high = (
            max(low, float(lowest[channels].min())),
            min(high, float(highest[channels].max())),
        )
    scale = max(high - low, LEAST_RANGE) / (INT8[1] - INT8[0])
    centre = low - INT8[0] * scale
    if op.bits < BITS[-1]:
        return _of_few_values(op, scale, centre, high, step)
    points = torch.from_numpy(scale * np.arange(INT8[0], INT8[1] + 1) + centre)
    exact = function(op.function)(points).numpy()
    least, most = min(0.0, float(exact.min())), max(0.0, float(exact.max()))
    out = step or max(most - least, LEAST_RANGE) / UINT8[1]
    zero = min(UINT8[1], max(0, math.floor(-least / out + 0.5)))
    entries = np.clip(np.floor(exact / out + 0.5) + zero, *UINT8).astype(np.uint8)
    # Entry (index & 255): the indices 0..127 first, then −128..−1.
    return TablePlan(scale, centre, out, zero, np.roll(entries, INT8[0]))


def fixed_table(
    op: Activation, plan: TablePlan, index: Quantisation | None, result: Quantisation | None
) -> TablePlan:
    """A table with the index, the result, or both, as they are known; the rest is as it was planned.

    Args:
        plan: as ``plan_activation`` made it, of bytes from 0 on. index, result: int8, one scale each.
    """
    scale, centre = plan.index_scale, plan.index_centre
    if index is not None:
        scale, centre = float(index.scale), float(index.centre)
    out, zero = plan.scale, plan.zero_point
    if result is not None:
        out, zero = float(result.scale), result.zero_point - INT8[0]
    points = torch.from_numpy(scale * np.arange(INT8[0], INT8[1] + 1) + centre)
    exact = function(op.function)(points).numpy()
    entries = np.clip(np.floor(exact / out + 0.5) + zero, *UINT8).astype(np.uint8)
    return TablePlan(scale, centre, out, zero, np.roll(entries, INT8[0]))


def _of_few_values(op: Activation, scale: float, centre: float, high: float, step: float | None) -> TablePlan:
    """The table of a result of fewer than 8 bits.

    Args:
        scale, centre: of the index that covers the range of the input. high: the end of that.
        step: of the result; the range is covered unless given.
    """
    most = float(function(op.function)(torch.tensor(high, dtype=torch.float64)))
    out = step or max(most, LEAST_RANGE) / op.levels
    if op.function in CLAMPS:
        # A whole number of index steps to a step, the border of two values between two of them: rounding to
        # the index first changes nothing, and its ends are those of the result.
        parts = INDICES // (op.levels + 1)
        scale = out / parts
        centre = scale * (-INT8[0] - (parts - 1) / 2)
    exact = function(op.function)(torch.from_numpy(scale * np.arange(INT8[0], INT8[1] + 1) + centre)).numpy()
    zero = op.zero_of(out)
    entries = np.clip(np.floor(exact / out + 0.5) + zero, 0, op.levels).astype(np.uint8)
    return TablePlan(scale, centre, out, zero, np.roll(entries, INT8[0]))
