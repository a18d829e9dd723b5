"""Estimates of many cores and memories."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.estimate import Estimate, Memory, estimate
from pointwise.model.graph import Graph


@dataclass(frozen=True)
class Point:
    """One combination of a sweep.

    Attributes:
        values: what was chosen, by option.
        estimate: what it takes, None where the network does not fit or there is no such core.
        reason: why not.
    """

    values: dict[str, int]
    estimate: Estimate | None
    reason: str = ""


def sweep(
    network: Graph,
    core: Callable[[dict[str, int]], CoreConfig],
    cores: Mapping[str, Sequence[int]],
    memories: Mapping[str, Sequence[int]],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Point]:
    """Estimate all combinations.

    Args:
        core: makes a configuration from chosen parameters. cores: values of each of them.
        memories: values of ``latency`` in cycles and ``stall`` in per cent.
        progress: told the points that are done, and all.
    """
    axes = {**cores, **memories}
    combinations = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    points = []
    for index, values in enumerate(combinations):
        progress(index, len(combinations))
        changes = {name: values[name] for name in cores}
        try:
            memory = Memory(values["latency"], values["stall"] / 100)
            points.append(Point(values, estimate(network, core(changes), memory)))
        except PointwiseError as error:
            points.append(Point(values, None, str(error)))
    progress(len(combinations), len(combinations))
    return points


def reasons(points: Sequence[Point]) -> list[str]:
    """Why points have no estimate: each reason once, with the first point that it holds for."""
    varied = varied_axes(points)
    found: dict[str, Point] = {}
    for point in points:
        if point.estimate is None:
            found.setdefault(point.reason, point)
    return [
        f"{', '.join(f'{axis} = {point.values[axis]}' for axis in varied)}: {reason}"
        for reason, point in found.items()
    ]


def varied_axes(points: Sequence[Point]) -> list[str]:
    """Options that take more than one value; all of them where none does."""
    axes = list(points[0].values)
    varied = [axis for axis in axes if len({point.values[axis] for point in points}) > 1]
    return varied or axes
