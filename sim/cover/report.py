"""What was met of a core's lines, toggles and cover points, by part of the core, and why the rest was not."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .counts import CORE, Counts
from .points import MODULE, PointSet
from .reasons import POINTS, TOGGLES, reason

MEMORY = "pointwise_ram"
BIT = ":"
"""What stands between a bit and the direction of its toggle."""


def report(counts: Counts, sets: Iterable[PointSet]) -> dict[str, Any]:
    """For JSON: rows by part for lines and toggles, rows by set for cover points, with what was not met.

    A cover point that is excused and was met all the same is counted under ``wrong``; patterns of bits are of
    whole signals, of which some bits are met.
    """
    core, bits = (
        {key: times for key, times in found.items() if key[0].startswith((CORE, MEMORY))}
        for found in (counts.lines, counts.narrow())
    )
    return {
        "lines": _by_part(core, lambda unit, place: ""),
        "toggles": _by_part(bits, lambda unit, bit: reason(f"{unit}.{bit.rpartition(BIT)[0]}", TOGGLES)),
        "points": [_of_set(counts, one) for one in sets],
    }


def part(unit: str) -> str:
    """The part of the core that a unit belongs to: of the engine each of its units."""
    if not unit.startswith(CORE):
        return "memories"
    path = unit.removeprefix(CORE).strip("_").split("__")
    return ".".join(path[: 2 if path[0] == "engine" else 1]) or "the core itself"


def _by_part(met: Mapping[tuple[str, str], int], why: Callable[[str, str], str]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = defaultdict(lambda: {"all": 0, "met": 0, "excused": 0})
    for (unit, place), times in met.items():
        row, excused = rows[part(unit)], why(unit, place)
        row["all"] += 1
        row["met"] += times > 0
        row["excused"] += bool(excused) and not times
    return dict(sorted(rows.items()))


def _of_set(counts: Counts, points: PointSet) -> dict[str, Any]:
    left: dict[str, list[str]] = {"": []}
    met = wrong = 0
    for index, (words, _) in enumerate(points.points):
        seen = counts.toggles[MODULE, f"{points.bit(points.name, index)}{BIT}0->1"] > 0
        why = reason(words, POINTS[points.name])
        met += seen
        wrong += seen and bool(why)
        if not seen:
            left.setdefault(why, []).append(words)
    return {
        "name": points.name,
        "what": points.what,
        "all": len(points.points),
        "met": met,
        "excused": {why: names for why, names in left.items() if why},
        "not_met": left[""],
        "wrong": wrong,
    }


def unmet_bits(counts: Counts) -> Counter[str]:
    """How often a bit of each signal of the core never rises or never falls, where that has no reason."""
    found: Counter[str] = Counter()
    for (unit, bit), times in counts.narrow().items():
        name = f"{unit}.{bit.rpartition(BIT)[0]}"
        if unit.startswith(CORE) and not times and not reason(name, TOGGLES):
            found[name] += 1
    return found
