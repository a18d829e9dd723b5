"""The order of the steps: what is needed next first, with independent work put between a step and its reader.

The core runs convolutions in program order, and one that reads what the previous one wrote waits until that
has drained. The order on demand (depth first from the result) makes tensors as late as possible, which
keeps few of them alive: head by head, slice by slice. The interleaved order then looks past a step that
would wait and takes the next one that need not (the queries of the next head between the scores and the
context of this one)."""

from collections import Counter
from typing import Protocol, overload

from pointwise.hw.contract.isa import Space
from pointwise.model.engine.op import Exponential, RowMax

from .lowering import Graph, Rows, Step

WINDOW = 16
"""How many steps ahead the interleaved order looks for one that need not wait."""
MAXIMA_SLOTS = 2
SUM_SLOTS = 2


def demand_order(graph: Graph, complete: bool = False) -> list[int]:
    """Steps in the order in which the result asks for them.

    Args:
        complete: a buffer is written whole before any of it is read, so that what is made of it is not alive
            beside what it is made of.
    """
    order: list[int] = []
    writers: dict[int, list[int]] = {}
    # Of each step: the buffers that it reads, and how many of their writers come before it.
    read: list[list[tuple[int, int]]] = []
    for step in graph.steps:
        buffers = {rows.buffer for rows in step.streamed} if complete else ()
        read.append([(buffer, len(writers[buffer])) for buffer in buffers if buffer in writers])
        writers.setdefault(step.output.buffer, []).append(step.index)
    written: set[tuple[int, int]] = set()

    def before(index: int) -> list[int]:
        """Steps that have to come first and are not seen yet."""
        found = [other for other in graph.steps[index].after if state[other] == 0]
        for part in read[index]:
            if part not in written:
                unseen = [other for other in writers[part[0]][: part[1]] if state[other] == 0]
                if not unseen:
                    written.add(part)
                found += unseen
        return found

    state = [0] * len(graph.steps)  # 0 not seen, 1 its dependencies are being ordered, 2 ordered
    asked_for = {index for step in graph.steps for index in step.after}
    for root in (step.index for step in graph.steps if step.index not in asked_for):
        stack = [root]
        while stack:
            top = stack[-1]
            if state[top] == 0:
                stack += reversed(before(top))
                state[top] = 1
                continue
            stack.pop()
            if state[top] == 1:
                state[top] = 2
                order.append(top)
    return order


def layer_order(graph: Graph) -> list[int]:
    """Steps layer by layer, LOADs in front of who needs them first.

    What a layer makes waits in DRAM anyway, and slices of one layer have nothing to do with each other: one
    is brought, and another one stored, while a third is made.
    """
    needed: dict[int, int] = {}
    for step in graph.steps:
        for other in step.after:
            needed.setdefault(other, step.index)

    def place(step: Step) -> tuple[int, bool]:
        load = step.node is None and not step.store
        return (needed.get(step.index, step.index), False) if load else (step.index, True)

    return [step.index for step in sorted(graph.steps, key=place)]


class Urgency(Protocol):
    """What steps take, and what is left to do behind them: ``model.compiler.urgency``."""

    behind: dict[int, int]

    def lasts(self, step: Step) -> int: ...
    def drain(self, step: Step) -> int: ...


@overload
def interleave(
    graph: Graph, order: list[int], words: int, *, urgency: Urgency | None = None
) -> list[int]: ...
@overload
def interleave(
    graph: Graph, order: list[int], words: int, most: int, urgency: Urgency | None = None
) -> list[int] | None: ...
def interleave(
    graph: Graph, order: list[int], words: int, most: int | None = None, urgency: Urgency | None = None
) -> list[int] | None:
    """Move independent steps between a step and one that reads its result.

    Args:
        order: a valid order of all steps.
        words: nothing is moved ahead that would bring the activation SRAM above this many words.
        most: words of it that there are, where an order that needs more is of no use.
        urgency: of the graph. With it, of the steps that may be next that one is taken which waits least, and
            of several the one with most to do behind it. Else the first one that does not read what the last
            one makes.

    Returns:
        The order; None where it needs more than ``most``.
    """
    maxima = _MaximaReaders(graph)
    room = _Room(graph)
    remaining = list(order)
    done: set[int] = set()
    result: list[int] = []
    latest: dict[bool, int] = {}  # the last LOAD and the last convolution
    clock = None if urgency is None else Clock(graph, urgency)
    while remaining:
        window = remaining[:WINDOW]
        ready = [i for i in window if done.issuperset(graph.steps[i].after) and maxima.free_for(i)]
        fits = [i for i in ready if i == ready[0] or room.with_step(i) <= words]
        if clock is None:
            recent = set(latest.values())
            chosen = next((i for i in fits if not graph.steps[i].flow & recent), ready[0])
        else:
            chosen = clock.choose(fits, latest.get(True))
        remaining.remove(chosen)
        done.add(chosen)
        result.append(chosen)
        latest[graph.steps[chosen].node is None] = chosen
        maxima.issue(chosen)
        if most is not None and room.with_step(chosen) > most:
            return None
        room.issue(chosen)
    return result


class Clock:
    """When steps of an order begin and are done, as far as the steps before tell.

    Attributes:
        now: cycles of the convolutions that were taken, about.
    """

    def __init__(self, graph: Graph, urgency: Urgency) -> None:
        self.graph, self.urgency = graph, urgency
        self.now = 0
        self.done: dict[int, int] = {}

    def choose(self, steps: list[int], load: int | None) -> int:
        """The step that is next, which is taken. ``load``: the last LOAD; who reads that comes last."""

        def rank(index: int) -> tuple[bool, int, int]:
            return load in self.graph.steps[index].flow, self._start(index), -self.urgency.behind[index]

        chosen = min(steps, key=rank)
        self.take(chosen)
        return chosen

    def take(self, index: int) -> None:
        """The step is the next one."""
        step = self.graph.steps[index]
        if step.node is not None:
            self.now = self._start(index) + self.urgency.lasts(step)
        self.done[index] = self.now + self.urgency.drain(step)

    def _start(self, index: int) -> int:
        return max([self.now, *(self.done[other] for other in self.graph.steps[index].flow)])


class _Room:
    """Words of the activation SRAM in use: a buffer from the first step that touches it to the last."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.uses = Counter(buffer for step in graph.steps for buffer in step.touched)
        self.alive: set[int] = set()
        self.words = 0

    def _size(self, buffer: int) -> int:
        return self.graph.buffers[buffer].words * (self.graph.buffers[buffer].space == Space.ACTIVATION)

    def with_step(self, index: int) -> int:
        """Words in use while the step runs."""
        return self.words + sum(self._size(buffer) for buffer in self.graph.steps[index].touched - self.alive)

    def issue(self, index: int) -> None:
        """Note that a step has been placed."""
        self.words = self.with_step(index)
        buffers = self.graph.steps[index].touched
        self.alive |= buffers
        self.uses.subtract(buffers)
        for buffer in buffers:
            if not self.uses[buffer]:
                self.alive.discard(buffer)
                self.words -= self._size(buffer)


class _MaximaReaders:
    """Sets of row maxima in use: each from the convolution that makes it to the last that reads it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.live: dict[int, set[int]] = {}
        self.readers = maxima_readers(graph)

    def free_for(self, index: int) -> bool:
        """Whether the step needs no new set, or one is free."""
        return index not in self.readers or len(self.live) < MAXIMA_SLOTS

    def issue(self, index: int) -> None:
        """Note that a step has been placed."""
        for maker in [maker for maker, readers in self.live.items() if index in readers]:
            self.live[maker].discard(index)
            if not self.live[maker]:
                del self.live[maker]
        if self.readers.get(index):
            self.live[index] = set(self.readers[index])


def maxima_readers(graph: Graph) -> dict[int, set[int]]:
    """For each step that keeps row maxima: the steps that take exponentials with them."""

    def scores(rows: Rows) -> int:
        return graph.buffers[rows.buffer].origin

    keep = [step for step in graph.steps if step.node and step.node.op.stage(RowMax)]
    makers = {scores(step.output): step.index for step in keep}
    readers: dict[int, set[int]] = {index: set() for index in makers.values()}
    for step in graph.steps:
        if takes_exponentials(step):
            readers[makers[scores(step.streamed[0])]].add(step.index)
    return readers


def takes_exponentials(step: Step) -> bool:
    """Whether the step is a convolution with the exponential prologue."""
    return step.node is not None and isinstance(step.node.op.prologue, Exponential)


def assign_slots(graph: Graph, order: list[int]) -> tuple[dict[int, int], dict[int, int]]:
    """Slots of row maxima (steps that make or read them) and of reciprocals (steps with exponentials).

    Reciprocal slots alternate, so that a convolution that fills one does not wait for the epilogue before it.

    Raises:
        AssertionError: the order needs more than two sets of maxima at once.
    """
    readers = maxima_readers(graph)
    maxima: dict[int, int] = {}
    sums: dict[int, int] = {}
    busy: dict[int, set[int]] = {}
    for index in order:
        step = graph.steps[index]
        if takes_exponentials(step):
            sums[index] = len(sums) % SUM_SLOTS
            for slot in list(busy):
                if index in busy[slot]:
                    maxima[index] = slot
                    busy[slot].discard(index)
                    if not busy[slot]:
                        del busy[slot]
        if index in readers:
            free = [slot for slot in range(MAXIMA_SLOTS) if slot not in busy]
            if not free:
                raise AssertionError(f"step {index} finds no free set of row maxima")
            maxima[index] = free[0]
            if readers[index]:
                busy[free[0]] = set(readers[index])
    return maxima, sums
