"""What a core takes of an ECP5, by a linear model that is fitted to a few syntheses.

Multipliers are counted. The block RAMs of the two SRAMs are computed; those of FIFOs, tables and
accumulators, look-up tables and flip-flops are sums over ``FEATURES``, fitted by least squares of the
relative error. There are few runs, so the features were chosen by the same error that is stated: take it as
what cores among them have, and not what one far outside will.
"""

import functools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pointwise.hw.contract.config import CoreConfig

FITTED = Path(__file__).with_name("ecp5.json")
"""Coefficients and their error, as ``fitted`` makes them of the runs in docs/results."""
BLOCK_KIB = 2
"""Of an SRAM in one block RAM."""
BLOCK_RAM_LUTS, MULTIPLIER_LUTS = 402, 536
"""LUT places that stand for one of the others: as many as there are beside one on an LFE5U-85F."""
FEATURES: dict[str, tuple[str, ...]] = {
    "lut_places": ("1", "cells", "cols", "lanes", "bus"),
    "flip_flops": ("1", "cells", "cols", "lanes", "bus"),
    "block_rams": ("1", "cols", "bus", "tokens"),
}
"""What each kind of ``pointwise.sim.fpga.resources`` is a sum of; names as ``features`` has them."""


def features(config: CoreConfig) -> dict[str, float]:
    """What a core has: cells of the array, columns, lanes, words of 32 bits of the bus, log2 tokens."""
    return {
        "1": 1,
        "cells": config.rows * config.cols,
        "cols": config.cols,
        "lanes": config.post_lanes,
        "bus": config.axi_data_width / 32,
        "tokens": math.log2(config.max_tokens),
    }


def multipliers(config: CoreConfig) -> int:
    """One for each cell, one for each row's LayerNorm, five for each lane of the epilogue, nine for sums."""
    return config.rows * config.cols + config.rows + 5 * config.post_lanes + 9


def sram_blocks(config: CoreConfig) -> float:
    """Block RAMs of both SRAMs."""
    return (config.act_kib + config.res_kib) / BLOCK_KIB


def area(config: CoreConfig) -> dict[str, int]:
    """Cells of a core by kind, and ``area``: all of them in LUT places."""
    found = _evaluated(_coefficients(), config)
    rounded = {kind: round(value) for kind, value in found.items()} | {"multipliers": multipliers(config)}
    rams, products = rounded["block_rams"] * BLOCK_RAM_LUTS, rounded["multipliers"] * MULTIPLIER_LUTS
    return {**rounded, "area": rounded["lut_places"] + rams + products}


def fitted(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Fit the model to syntheses.

    Args:
        runs: each with the ``config`` of a core and its ``resources``.

    Returns:
        The ``coefficients`` by kind, and the ``error``: that of a run which the fit did not see, the largest
        and the root of the mean square of all, each left out once, as a share.
    """
    cores = [CoreConfig.from_dict(run["config"]) for run in runs]
    counts = [run["resources"] for run in runs]
    misses: dict[str, list[float]] = {kind: [] for kind in FEATURES}
    for left in range(len(runs)):
        others = [index for index in range(len(runs)) if index != left]
        model = _fit([cores[index] for index in others], [counts[index] for index in others])
        for kind, value in _evaluated(model, cores[left]).items():
            misses[kind].append(abs(value / counts[left][kind] - 1))
    return {
        "runs": len(runs),
        "coefficients": _fit(cores, counts),
        "error": {
            kind: {"largest": round(max(all_), 3), "rms": round(float(np.sqrt(np.mean(np.square(all_)))), 3)}
            for kind, all_ in misses.items()
        },
    }


def _fit(cores: Sequence[CoreConfig], counts: Sequence[Mapping[str, int]]) -> dict[str, list[float]]:
    known = {"block_rams": np.array([sram_blocks(core) for core in cores])}
    coefficients = {}
    for kind in FEATURES:
        wanted = np.array([count[kind] for count in counts], float)
        matrix = np.array([[features(core)[name] for name in FEATURES[kind]] for core in cores], float)
        rest = wanted - known.get(kind, 0)
        solved, *_ = np.linalg.lstsq(matrix / wanted[:, None], rest / wanted, rcond=None)
        coefficients[kind] = [round(float(value), 3) for value in solved]
    return coefficients


def _evaluated(coefficients: Mapping[str, Sequence[float]], config: CoreConfig) -> dict[str, float]:
    values = features(config)
    found = {
        kind: sum(a * values[name] for a, name in zip(coefficients[kind], names, strict=True))
        for kind, names in FEATURES.items()
    }
    found["block_rams"] += sram_blocks(config)
    return found


@functools.cache
def _coefficients() -> dict[str, list[float]]:
    return json.loads(FITTED.read_text())["coefficients"]
