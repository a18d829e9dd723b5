"""Finding that tiles repeat what tiles before them did."""

from dataclasses import dataclass, field

from pointwise.hw.contract.registers import Cause

REPEATS = 32
"""Tiles within which a repetition is looked for."""

PAST = -1000
"""What is longer ago does not matter any more to the next convolution."""
State = tuple[object, ...]
Causes = dict[Cause, float]


def recent(time: float) -> int:
    """A time relative to now in whole cycles, for the state of all units together."""
    return round(time) if time > PAST else PAST


@dataclass
class Repetition:
    """States after the tiles (or the N-tiles) of a loop.

    A state that comes again means that everything between will come again, as often as there are tiles left.
    """

    _seen: dict[State, tuple[int, float, Causes]] = field(default_factory=dict)
    _last: float = 0.0

    def period(self, now: float) -> float:
        """Cycles since the state before; 0 at first."""
        return now - self._last if self._seen else 0.0

    def find(self, state: State, tile: int, now: float, causes: Causes) -> tuple[int, float, Causes] | None:
        """Note the state after ``tile`` tiles.

        Returns:
            If it was seen before: the tiles, the cycles and the cycles by cause since then.
        """
        self._last = now
        if state in self._seen:
            before, since, counted = self._seen[state]
            return tile - before, now - since, {cause: causes[cause] - counted[cause] for cause in Cause}
        if len(self._seen) >= REPEATS:
            self._seen.clear()
        self._seen[state] = (tile, now, dict(causes))
        return None

    def forget(self) -> None:
        """Begin anew."""
        self._seen.clear()
