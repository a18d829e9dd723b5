"""Cycles by layer and by kind of layer, from the timeline of a run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pointwise.hw.contract.registers import Cause
from pointwise.sim.system.timeline import Timeline

CAUSES = {
    Cause.DEPEND: "waiting for earlier results",
    Cause.TILE: "waiting for weights or tables",
    Cause.SHORT: "tiles shorter than their load",
    Cause.OUTPUT: "waiting for the epilogue",
    Cause.BANK: "SRAM bank taken",
    Cause.IDLE: "no convolution at hand",
}
"""What the array waits for, in words."""

PARTS = {
    "useful": "useful work",
    "edge": "tile edges",
    **{cause.name.lower(): label for cause, label in CAUSES.items()},
}
"""What a cycle goes to, in words: the causes, with STREAM split in two."""


def kind_of(name: str) -> str:
    """The kind of a layer: its name without numbers, so ``attn.q`` for ``blocks.3.attn.q.0``."""
    words = [word for word in name.split(".") if not word.isdigit()]
    return ".".join(words[1:] if len(words) > 1 and words[0] == "blocks" else words) or name


def timeline_dict(manifest: Mapping[str, Any], timeline: Timeline) -> dict[str, Any]:
    """A timeline with the names and multiply-accumulates of the program's convolutions, JSON-able.

    Raises:
        ValueError: the run executed another number of convolutions than the program has.
    """
    convolutions = [line for line in manifest["instructions"] if line["opcode"] == "CONV"]
    return {
        "cycles": timeline.cycles,
        "start": timeline.start,
        "end": timeline.end,
        "convolutions": [
            {
                "name": line["name"],
                "macs": line["macs"],
                "first": span.first,
                "last": span.last,
                "done": span.done,
                "causes": {cause.name.lower(): span.causes[cause] for cause in Cause},
            }
            for line, span in zip(convolutions, timeline.spans, strict=True)
        ],
    }


def by_layer(timeline: Mapping[str, Any], array: Sequence[int]) -> list[dict[str, Any]]:
    """One entry a layer, in the order of the program; a layer in several convolutions is their sum.

    Args:
        timeline: from ``timeline_dict``. array: R, C.

    Returns:
        ``macs`` (useful), ``cycles`` and ``causes`` (integers, exact); ``edge_macs``: what the array could
        have done besides in the STREAM cycles, so that ``macs + edge_macs`` is R·C times those; the same in
        cycles as ``useful_cycles`` and ``edge_cycles``; ``share`` of the run's cycles; ``utilisation``.
    """
    return _sums(timeline["convolutions"], "name", lambda name: name, timeline["cycles"], array)


def by_kind(layers: Iterable[Mapping[str, Any]], cycles: int, array: Sequence[int]) -> list[dict[str, Any]]:
    """The same for kinds of layers (``kind_of``), in the order of their first layer."""
    return _sums(layers, "kind", kind_of, cycles, array)


def _sums(
    entries: Iterable[Mapping[str, Any]],
    key: str,
    group: Callable[[str], str],
    cycles: int,
    array: Sequence[int],
) -> list[dict[str, Any]]:
    """Entries with the same ``group`` of their names added up."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        name = group(entry["name"])
        total = found.setdefault(name, {"macs": 0, "causes": dict.fromkeys(entry["causes"], 0)})
        total["macs"] += entry["macs"]
        for cause, count in entry["causes"].items():
            total["causes"][cause] += count
    return [
        {key: name, **_derived(total["macs"], total["causes"], cycles, array)}
        for name, total in found.items()
    ]


def _derived(macs: int, causes: dict[str, int], cycles: int, array: Sequence[int]) -> dict[str, Any]:
    size = array[0] * array[1]
    own = sum(causes.values())
    edge = causes["stream"] * size - macs
    return {
        "macs": macs,
        "edge_macs": edge,
        "cycles": own,
        "share": own / cycles,
        "utilisation": macs / (size * own) if own else 0.0,
        "useful_cycles": macs / size,
        "edge_cycles": edge / size,
        "causes": causes,
    }


def parts(entry: Mapping[str, Any]) -> dict[str, float]:
    """The cycles of an entry of ``by_layer`` or ``by_kind`` under the keys of ``PARTS``."""
    waits = {name: count for name, count in entry["causes"].items() if name != "stream"}
    return {"useful": entry["useful_cycles"], "edge": entry["edge_cycles"], **waits}
