"""Estimates of many cores and memories, made in several processes and kept as they come."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.registers import Cause
from pointwise.model.compiler.plans import Plans, decisive
from pointwise.model.estimate import Estimate, Memory, estimate
from pointwise.model.graph import Graph
from pointwise.model.parallel import Job, code_digest, digest_of

Machine = tuple[CoreConfig, Memory]
"""What a network is estimated on."""
_RESULTS = ("cycles", "macs", "tiles", "instructions", "image_bytes", "act_kib", "res_kib")


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


class Sweep:
    """All combinations of parameters, and what is known of them.

    Args:
        core: makes a configuration from chosen parameters. cores: values of each of them.
        memories: values of ``latency`` in cycles and ``stall`` in per cent.

    Attributes:
        values: of each point, by option. points: those that are known, by their number.
    """

    def __init__(
        self,
        core: Callable[[dict[str, int]], CoreConfig],
        cores: Mapping[str, Sequence[int]],
        memories: Mapping[str, Sequence[int]],
    ) -> None:
        axes = {**cores, **memories}
        self.values = [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())]
        self.points: dict[int, Point] = {}
        self._machines: dict[int, Machine] = {}
        for number, values in enumerate(self.values):
            try:
                memory = Memory(values["latency"], values["stall"] / 100)
                self._machines[number] = core({name: values[name] for name in cores}), memory
            except PointwiseError as error:
                self.points[number] = Point(values, None, str(error))

    def parts(self) -> dict[str, list[Machine]]:
        """The cores and memories to be estimated, those together whose plans are the same.

        A part is called by the numbers of its points.
        """
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, (config, _) in self._machines.items():
            groups.setdefault(decisive(config), []).append(number)
        return {
            ",".join(map(str, numbers)): [self._machines[number] for number in numbers]
            for numbers in groups.values()
        }

    def arrived(self, part: str, results: Sequence[dict[str, Any]], network: str) -> None:
        """Take the results of a part."""
        for number, result in zip(map(int, part.split(",")), results, strict=True):
            values, machine = self.values[number], self._machines[number]
            reason = result.get("reason", "")
            found = None if reason else _estimate(result, network, *machine)
            self.points[number] = Point(values, found, reason)


def job(make: Callable[[], Graph], network: str, parts: Mapping[str, Sequence[object]]) -> Job:
    """The work of a sweep.

    Args:
        make: makes the network, in each process. network: what tells it from others.
        parts: of the sweep.
    """
    digest = digest_of(network, parts, code_digest())
    return Job("estimates", partial(_estimator, make), digest, repeat=lambda part: "the same command")


def _estimator(
    make: Callable[[], Graph],
) -> Callable[[list[Machine]], list[dict[str, Any]]]:
    network = make()
    plans = Plans(network)

    def one(config: CoreConfig, memory: Memory) -> dict[str, Any]:
        try:
            found = estimate(network, config, memory, plans)
        except PointwiseError as error:
            return {"reason": str(error)}
        causes = {cause.name.lower(): cycles for cause, cycles in found.causes.items()}
        return {name: getattr(found, name) for name in _RESULTS} | {"causes": causes}

    return lambda machines: [one(*machine) for machine in machines]


def _estimate(result: dict[str, Any], network: str, config: CoreConfig, memory: Memory) -> Estimate:
    causes = {cause: result["causes"][cause.name.lower()] for cause in Cause}
    return Estimate(network, config, memory, causes=causes, **{name: result[name] for name in _RESULTS})


def reasons(points: Sequence[Point]) -> list[str]:
    """Why points have no estimate: each reason once, with the first point that it holds for."""
    varied = varied_axes([point.values for point in points])
    found: dict[str, Point] = {}
    for point in points:
        if point.estimate is None:
            found.setdefault(point.reason, point)
    return [
        f"{', '.join(f'{axis} = {point.values[axis]}' for axis in varied)}: {reason}"
        for reason, point in found.items()
    ]


def varied_axes(values: Sequence[Mapping[str, int]]) -> list[str]:
    """Options that take more than one value; all of them where none does."""
    axes = list(values[0])
    varied = [axis for axis in axes if len({chosen[axis] for chosen in values}) > 1]
    return varied or axes
