"""Spilling: what does not fit on chip waits in DRAM until it is needed again.

Where no order and no slices make a network fit, the order is walked once more with the sizes of the two
memories in mind, as a register allocator does: a step finds all that it touches on chip, and when room is
wanted, what is needed again last goes (Belady's rule). A buffer that comes back is a new buffer of the same
origin with a lifetime of its own. Nothing is stored twice that has not changed in between.
"""

from collections import deque
from dataclasses import replace

from pointwise.hw.contract.isa import Space

from .lowering import Buffer, Graph, Rows, Step
from .schedule import touched


def spill(graph: Graph, order: list[int], capacity: dict[Space, int]) -> tuple[Graph, list[int]] | None:
    """Put LOADs and STOREs into an order, so that at most ``capacity`` words are alive at any time.

    Args:
        graph: nothing in it is spilled yet. order: a valid order of its steps.
        capacity: words of each memory that may be used.

    Returns:
        The graph with more buffers and steps, and its order; None where ``capacity`` is below ``least_room``.
    """
    least = least_room(graph, order)
    if any(least[space] > words for space, words in capacity.items()):
        return None
    return _Walk(graph, order, capacity).run()


def least_room(graph: Graph, order: list[int]) -> dict[Space, int]:
    """Words of each memory that ``spill`` cannot do without: what a step touches, and groups at work."""
    spans = _group_spans(graph, order)
    least = dict.fromkeys(Space, 0)
    for position, index in enumerate(order):
        origins = touched(graph.steps[index])
        at_work = (group for group, (first, last) in spans.items() if first <= position <= last)
        origins = origins.union(*at_work)
        for space in Space:
            words = sum(graph.buffers[b].words for b in origins if graph.buffers[b].space == space)
            least[space] = max(least[space], words)
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
        self.graph, self.order, self.capacity = graph, order, capacity
        self.uses: dict[int, deque[int]] = {}  # positions at which an origin is touched, yet to come
        for position, index in enumerate(order):
            for origin in touched(graph.steps[index]):
                self.uses.setdefault(origin, deque()).append(position)
        self.uses[graph.output].append(len(order))
        self.group_of = {member: group for group in graph.groups for member in group}
        self.spans = _group_spans(graph, order)
        self.buffers: list[Buffer] = []
        self.steps: list[Step] = []
        self.groups: list[tuple[int, ...]] = []
        self.here: dict[int, int] = {}
        self.changed: set[int] = set()  # origins that DRAM has not as they are here
        self.in_dram: set[int] = set()  # origins that a STORE has put there
        self.pinned: set[int] = set()  # members of groups that are being streamed
        self.free = dict(capacity)

    def run(self) -> tuple[Graph, list[int]]:
        """Walk from the first step to the last."""
        for position, index in enumerate(self.order):
            step = self.graph.steps[index]
            if step.node is None:
                continue  # what comes from outside is loaded when it is needed
            self._fetch(touched(step))
            self._emit(step)
            self._leave(touched(step), position)
        self._fetch({self.graph.output})
        output = self.here[self.graph.output]
        return Graph(self.buffers, self.steps, self.groups, output), list(range(len(self.steps)))

    def _fetch(self, origins: set[int]) -> None:
        """Bring origins on chip."""
        missing = sorted(origins - self.here.keys())
        for origin in missing:
            buffer = self.graph.buffers[origin]
            while self.free[buffer.space] < buffer.words:
                victims = [
                    other
                    for other in self.here
                    if self.graph.buffers[other].space == buffer.space
                    and other not in origins
                    and other not in self.pinned
                ]
                self._evict(max(victims, key=lambda other: self.uses[other][0]))
            self._enter(origin)

    def _enter(self, origin: int) -> None:
        """A new buffer for an origin, with a LOAD where it has been written before."""
        old = self.graph.buffers[origin]
        self.here[origin] = len(self.buffers)
        self.buffers.append(replace(old, index=len(self.buffers)))
        self.free[old.space] -= old.words
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
        buffer = self.graph.buffers[origin]
        self.free[buffer.space] += buffer.words
        del self.here[origin]

    def _move(self, origin: int, store: bool) -> None:
        old = self.graph.buffers[origin]
        rows = Rows(self.here[origin], 0, old.tokens)
        spilled = store or origin in self.in_dram
        self.steps.append(
            Step(len(self.steps), None, -1, 0, old.tokens, (), None, rows, store=store, spilled=spilled)
        )

    def _emit(self, step: Step) -> None:
        def moved(rows: Rows) -> Rows:
            return replace(rows, buffer=self.here[rows.buffer])

        streamed = tuple(moved(rows) for rows in step.streamed)
        self.steps.append(
            replace(
                step,
                index=len(self.steps),
                streamed=streamed,
                stationary=moved(step.stationary) if step.stationary else None,
                added=moved(step.added) if step.added else None,
                output=moved(step.output),
                flow=set(),
                after=[],
            )
        )
        self.changed.add(step.output.buffer)
        members = tuple(rows.buffer for rows in step.streamed)
        if len(members) > 1:
            # From now on they stay side by side until the last step that streams them together.
            self.pinned.update(members)
            group = tuple(rows.buffer for rows in streamed)
            if group not in self.groups:
                self.groups.append(group)

    def _leave(self, origins: set[int], position: int) -> None:
        """Forget what nobody needs any more."""
        for origin in origins:
            uses = self.uses[origin]
            while uses and uses[0] <= position:
                uses.popleft()
            group = self.group_of.get(origin)
            if group and self.spans[group][1] <= position:
                self.pinned.discard(origin)
            if not uses:
                self._drop(origin)
