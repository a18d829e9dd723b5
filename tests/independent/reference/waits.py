"""The fewest waits with which a program is right whatever the core does in another order.

An instruction has to wait for

- reads of a CONV, the old values of an addition included: the CONV that wrote the place (wait_conv); the LOAD
  that did so (wait_dma, of old values post_wait_dma);
- writes of a CONV: LOADs and STOREs of the place (post_wait_dma). What earlier convolutions read or wrote has
  passed by then, with one exception: reciprocals are written as soon as the exponentials have passed, so the
  CONV that divided by those before must be complete (wait_conv);
- a STORE: whoever of the convolutions wrote the place; a LOAD: whoever of them reads or wrote it (wait_conv).
  Among each other they run in program order.
"""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from tests.independent.reference.core import Core
from tests.independent.reference.fields import Conv, Dma
from tests.independent.reference.footprint import Footprint, Resource, of

Marks = dict[Resource, dict[int, int]]


class Waits:
    """Follows a program and knows who touched what: counts of instructions that must be complete."""

    def __init__(self, core: Core):
        self.core = core
        self.convs = self.dmas = 0
        self._wrote: dict[type, Marks] = {Conv: defaultdict(dict), Dma: defaultdict(dict)}
        self._touched: dict[type, Marks] = {Conv: defaultdict(dict), Dma: defaultdict(dict)}

    def least(self, instruction: Conv | Dma) -> Conv | Dma:
        """The instruction with the fewest waits; it counts as the next of the program."""
        kind, found = type(instruction), of(instruction, self.core)
        if kind is Conv:
            slots = {name: places for name, places in found.writes.items() if str(name).startswith("sum")}
            late = {name: places for name, places in found.writes.items() if name not in slots}
            waits = {
                "wait_conv": max(
                    _last(self._wrote[Conv], found.reads),
                    _last(self._wrote[Conv], found.late_reads),
                    _last(self._touched[Conv], slots),
                ),
                "wait_dma": _last(self._wrote[Dma], found.reads),
                "post_wait_dma": max(
                    _last(self._touched[Dma], late), _last(self._wrote[Dma], found.late_reads)
                ),
            }
        else:
            waits = {
                "wait_conv": max(
                    _last(self._wrote[Conv], found.reads), _last(self._touched[Conv], found.writes)
                ),
                "wait_dma": 0,
            }
        self.note(kind, found)
        return replace(instruction, **waits)

    def all(self, instruction: Conv | Dma) -> Conv | Dma:
        """The instruction with waits for everything before it; it counts as the next of the program."""
        waits = {"wait_conv": self.convs, "wait_dma": self.dmas}
        if isinstance(instruction, Conv):
            waits["post_wait_dma"] = self.dmas
        self.note(type(instruction), of(instruction, self.core))
        return replace(instruction, **waits)

    def note(self, kind: type, found: Footprint) -> None:
        """Counts an instruction whose waits somebody else has chosen."""
        count = self.convs + 1 if kind is Conv else self.dmas + 1
        for places in (found.reads, found.late_reads, found.writes):
            _mark(self._touched[kind], places, count)
        _mark(self._wrote[kind], found.writes, count)
        if kind is Conv:
            self.convs += 1
        else:
            self.dmas += 1


def _last(marks: Marks, places: dict[Resource, np.ndarray]) -> int:
    """The highest count at any of the places, 0 where nobody has been."""
    return max(
        (marks[name].get(int(place), 0) for name, where in places.items() for place in where), default=0
    )


def _mark(marks: Marks, places: dict[Resource, np.ndarray], count: int) -> None:
    for name, where in places.items():
        marks[name].update(dict.fromkeys(where.tolist(), count))
