"""The fewest waits with which a program is right whatever the core does in another order.

An instruction has to wait for

- reads of a CONV, the old values of an addition included: the CONV that wrote the place (wait_conv); the LOAD
  that did so (wait_dma, of old values post_wait_dma);
- writes of a CONV: LOADs and STOREs of the place (post_wait_dma). What earlier convolutions read or wrote has
  passed by then, with one exception: reciprocals are written as soon as the exponentials have passed, so the
  CONV that divided by those before must be complete (wait_conv);
- where a CONV streams what the last one it waits for writes, each word some words behind at least, it need
  not wait for all of that (pipelined);
- a STORE: whoever of the convolutions wrote the place; a LOAD: whoever of them reads or wrote it (wait_conv).
  Among each other they run in program order.
"""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from tests.independent.reference import picture
from tests.independent.reference.core import Core
from tests.independent.reference.fields import Conv, Dma, Prologue, Space, StationarySource
from tests.independent.reference.footprint import Footprint, Resource, of, result_words

Marks = dict[Resource, dict[int, int]]


class Waits:
    """Follows a program and knows who touched what: counts of instructions that must be complete."""

    def __init__(self, core: Core):
        self.core = core
        self.convs = self.dmas = 0
        self._convs: list[Conv] = []
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
            if isinstance(instruction, Conv) and waits["wait_conv"]:
                waits |= self._lead(instruction, found, waits["wait_conv"])
        return self._count(replace(instruction, **waits), found)

    def _lead(self, conv: Conv, found: Footprint, number: int) -> dict[str, int]:
        """Whether a CONV may follow the words of the one of this number, and with how many words between."""
        only = conv.prologue == Prologue.PLAIN and conv.stationary == StationarySource.STREAM
        if conv.chained or not only or _last(self._wrote[Conv], found.late_reads) == number:
            return {}
        before, wrote = self._convs[number - 1], self._wrote[Conv][Space.ACTIVATION]
        made = {int(place): word for (_, word), place in np.ndenumerate(result_words(before, self.core))}
        least = 255
        for word, taps in enumerate(picture.addresses(conv, self.core)):
            places = np.unique(taps[picture.inside(conv)]).tolist()
            there = [made[place] for place in places if wrote.get(place, 0) == number]
            least = min([least, *(word - other for other in there)])
        return {"pipelined": 1, "lead_words": least} if least >= 0 else {}

    def all(self, instruction: Conv | Dma) -> Conv | Dma:
        """The instruction with waits for everything before it; it counts as the next of the program."""
        waits = {"wait_conv": self.convs, "wait_dma": self.dmas}
        if isinstance(instruction, Conv):
            waits["post_wait_dma"] = self.dmas
        return self._count(replace(instruction, **waits), of(instruction, self.core))

    def _count(self, instruction: Conv | Dma, found: Footprint) -> Conv | Dma:
        kind = type(instruction)
        count = self.convs + 1 if kind is Conv else self.dmas + 1
        for places in (found.reads, found.late_reads, found.writes):
            _mark(self._touched[kind], places, count)
        _mark(self._wrote[kind], found.writes, count)
        if isinstance(instruction, Conv):
            self._convs.append(instruction)
            self.convs += 1
        else:
            self.dmas += 1
        return instruction


def _last(marks: Marks, places: dict[Resource, np.ndarray]) -> int:
    """The highest count at any of the places, 0 where nobody has been."""
    return max(
        (marks[name].get(int(place), 0) for name, where in places.items() for place in where), default=0
    )


def _mark(marks: Marks, places: dict[Resource, np.ndarray], count: int) -> None:
    for name, where in places.items():
        marks[name].update(dict.fromkeys(where.tolist(), count))
