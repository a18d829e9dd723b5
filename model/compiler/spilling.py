"""Spilling: what does not fit on chip waits in DRAM until it is needed again.

Where no order and no slices make a network fit, the order is walked once more with the sizes of the two
memories in mind, as a register allocator does: a step finds all that it touches on chip, and when room is
wanted, what is needed again last goes (Belady's rule). A buffer that comes back is a new buffer of the same
origin with a lifetime of its own. Nothing is stored twice that has not changed in between.
"""

from collections import Counter, deque
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import NamedTuple

from pointwise.hw.contract.isa import Space

from .lowering import Buffer, Graph, Pairs, Rows, Step


class Conv(NamedTuple):
    """A convolution of an order that is walked: its step, and the buffer that holds each origin then."""

    step: Step
    here: dict[int, int]


class Move(NamedTuple):
    """A LOAD or STORE of a buffer; ``spilled`` where a STORE has put there what is loaded."""

    buffer: int
    store: bool
    spilled: bool


@dataclass(frozen=True)
class Spilled:
    """An order with LOADs and STOREs in it, of which no steps are made yet.

    Attributes:
        events: what is done. buffers, groups: of the graph that it becomes. output: buffer of the result.
        alive: (first, last) position in ``events`` by buffer.
    """

    events: list[Conv | Move]
    buffers: list[Buffer]
    groups: list[tuple[int, ...]]
    output: int
    alive: dict[int, tuple[int, int]]

    @property
    def apart(self) -> Pairs:
        """As of ``Graph``."""
        for event in self.events:
            if isinstance(event, Conv):
                for one, other in event.step.apart:
                    yield event.here[one], event.here[other]

    def graph(self) -> Graph:
        """The graph of it, whose steps are in their order."""
        steps = [
            _conv(index, event) if isinstance(event, Conv) else self._move(index, event)
            for index, event in enumerate(self.events)
        ]
        return Graph(self.buffers, steps, self.groups, self.output)

    def _move(self, index: int, move: Move) -> Step:
        tokens = self.buffers[move.buffer].tokens
        rows = Rows(move.buffer, 0, tokens)
        return Step(index, None, -1, 0, tokens, (), None, rows, store=move.store, spilled=move.spilled)


def _conv(index: int, event: Conv) -> Step:
    step, here = event

    def moved(rows: Rows) -> Rows:
        return replace(rows, buffer=here[rows.buffer])

    return replace(
        step,
        index=index,
        streamed=tuple(moved(rows) for rows in step.streamed),
        stationary=moved(step.stationary) if step.stationary else None,
        added=moved(step.added) if step.added else None,
        output=moved(step.output),
        flow=set(),
        after=[],
    )


def spill(graph: Graph, order: list[int], capacity: dict[Space, int]) -> Spilled | None:
    """Put LOADs and STOREs into an order, so that at most ``capacity`` words are alive at any time.

    Args:
        graph: nothing in it is spilled yet. order: a valid order of its steps.
        capacity: words of each memory that may be used.

    Returns:
        The order with more buffers in it; None where ``capacity`` is below ``least_room``.
    """
    least = least_room(graph, order)
    if any(least[space] > words for space, words in capacity.items()):
        return None
    return _Walk(graph, order, capacity).run()


def least_room(graph: Graph, order: list[int]) -> dict[Space, int]:
    """Words of each memory that ``spill`` cannot do without: what a step touches, and groups at work."""
    begin: dict[int, list[tuple[int, ...]]] = {}
    end: dict[int, list[tuple[int, ...]]] = {}
    for group, (first, last) in _group_spans(graph, order).items():
        begin.setdefault(first, []).append(group)
        end.setdefault(last, []).append(group)
    at_work: Counter[int] = Counter()  # members of groups, by the number of these
    least = dict.fromkeys(Space, 0)
    for position, index in enumerate(order):
        for group in begin.get(position, ()):
            at_work.update(group)
        words = dict.fromkeys(Space, 0)
        for origin in graph.steps[index].touched | at_work.keys():
            words[graph.buffers[origin].space] += graph.buffers[origin].words
        least = {space: max(least[space], words[space]) for space in Space}
        for group in end.get(position, ()):
            at_work -= Counter(group)
    return least


def _group_spans(graph: Graph, order: list[int]) -> dict[tuple[int, ...], tuple[int, int]]:
    """For each group the first and the last position at which it is streamed."""
    spans: dict[tuple[int, ...], tuple[int, int]] = {}
    for position, index in enumerate(order):
        members = tuple(rows.buffer for rows in graph.steps[index].streamed)
        if len(members) > 1:
            spans[members] = (spans.get(members, (position,))[0], position)
    return spans


class _Walk:
    """One walk through an order, with what is on chip at each step.

    Buffers of the old graph are origins here; ``here`` names the buffer of the new graph that holds one.
    """

    def __init__(self, graph: Graph, order: list[int], capacity: dict[Space, int]) -> None:
        self.graph, self.order = graph, order
        self.uses: dict[int, deque[int]] = {}  # positions at which an origin is touched, yet to come
        for position, index in enumerate(order):
            for origin in graph.steps[index].touched:
                self.uses.setdefault(origin, deque()).append(position)
        self.uses[graph.output].append(len(order))
        self.group_of = {member: group for group in graph.groups for member in group}
        self.spans = _group_spans(graph, order)
        self.words = [buffer.words for buffer in graph.buffers]
        self.space = [int(buffer.space) for buffer in graph.buffers]
        self.buffers: list[Buffer] = []
        self.events: list[Conv | Move] = []
        self.first: dict[int, int] = {}  # position of the first event that touches a buffer
        self.last: dict[int, int] = {}
        self.groups: dict[tuple[int, ...], None] = {}
        self.here: dict[int, int] = {}
        self.changed: set[int] = set()  # origins that DRAM has not as they are here
        self.in_dram: set[int] = set()  # origins that a STORE has put there
        self.pinned: set[int] = set()  # members of groups that are being streamed
        self.free = [capacity[space] for space in sorted(Space)]
        # (next use, buffer, origin) of what is on chip, the last use first; those that do not hold any more
        # are dropped when they are met.
        self.next_uses: list[list[tuple[int, int, int]]] = [[] for _ in Space]

    def run(self) -> Spilled:
        """Walk from the first step to the last."""
        for position, index in enumerate(self.order):
            step = self.graph.steps[index]
            if step.node is None:
                continue  # what comes from outside is loaded when it is needed
            self._fetch(step.touched)
            self._emit(step)
            self._leave(step.touched, position)
        self._fetch(frozenset({self.graph.output}))
        output = self.here[self.graph.output]
        self.last[output] = len(self.events)  # it is stored after everything else
        alive = {buffer: (first, self.last[buffer]) for buffer, first in self.first.items()}
        return Spilled(self.events, self.buffers, list(self.groups), output, alive)

    def _fetch(self, origins: frozenset[int]) -> None:
        """Bring origins on chip."""
        for origin in sorted(origins - self.here.keys()):
            space = self.space[origin]
            while self.free[space] < self.words[origin]:
                self._evict(self._victim(space, origins))
            self._enter(origin)

    def _victim(self, space: int, origins: frozenset[int]) -> int:
        """What is needed again last, of what is on chip, not one of ``origins`` and not pinned."""
        heap, kept = self.next_uses[space], []
        while True:
            entry = heap[0]
            use, number, origin = -entry[0], entry[1], entry[2]
            if self.here.get(origin) != number or self.uses[origin][0] != use:
                heappop(heap)  # it has gone, or has been used since
            elif origin in origins or origin in self.pinned:
                kept.append(heappop(heap))
            else:
                break
        for entry in kept:
            heappush(heap, entry)
        return origin

    def _note(self, origin: int) -> None:
        """Remember when an origin that is on chip is used next; of two, the one that came first is older."""
        heappush(self.next_uses[self.space[origin]], (-self.uses[origin][0], self.here[origin], origin))

    def _enter(self, origin: int) -> None:
        """A new buffer for an origin, with a LOAD where it has been written before."""
        old, index = self.graph.buffers[origin], len(self.buffers)
        self.here[origin] = index
        self.buffers.append(Buffer(index, old.tensor, old.first_token, old.tokens, old.words, old.origin))
        self.free[self.space[origin]] -= old.words
        self._note(origin)
        from_outside = old.tensor.writers[0] < 0
        if from_outside or origin in self.in_dram:
            self._move(origin, store=False)

    def _evict(self, origin: int) -> None:
        if origin in self.changed:
            self._move(origin, store=True)
            self.changed.discard(origin)
            self.in_dram.add(origin)
        self._drop(origin)

    def _drop(self, origin: int) -> None:
        self.free[self.space[origin]] += self.words[origin]
        del self.here[origin]

    def _move(self, origin: int, store: bool) -> None:
        buffer = self.here[origin]
        self._touch(buffer)
        self.events.append(Move(buffer, store, store or origin in self.in_dram))

    def _touch(self, buffer: int) -> None:
        """Note that the next event touches a buffer."""
        self.first.setdefault(buffer, len(self.events))
        self.last[buffer] = len(self.events)

    def _emit(self, step: Step) -> None:
        here = {origin: self.here[origin] for origin in step.touched}
        for buffer in here.values():
            self._touch(buffer)
        self.events.append(Conv(step, here))
        self.changed.add(step.output.buffer)
        if len(step.streamed) > 1:
            # From now on they stay side by side until the last step that streams them together.
            self.pinned.update(rows.buffer for rows in step.streamed)
            self.groups.setdefault(tuple(here[rows.buffer] for rows in step.streamed))

    def _leave(self, origins: frozenset[int], position: int) -> None:
        """Forget what nobody needs any more."""
        for origin in origins:
            uses = self.uses[origin]
            while uses and uses[0] <= position:
                uses.popleft()
            group = self.group_of.get(origin)
            if group and self.spans[group][1] <= position:
                self.pinned.discard(origin)
            if uses:
                self._note(origin)
            else:
                self._drop(origin)
