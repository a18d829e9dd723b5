"""The order of the steps: what is needed next first, with independent work put between a step and its reader.

The core runs convolutions in program order, and one that reads what the previous one wrote waits until that has
drained. The order on demand (depth first from the result) makes tensors as late as possible, which keeps few of them
alive: head by head, slice by slice. The interleaved order then looks past a step that would wait and takes the next
one that need not (the queries of the next head between the scores and the context of this one).
"""

from hw.contract.isa import Prologue

from .lowering import Graph, Step

WINDOW = 16
"""How many steps ahead the interleaved order looks for one that need not wait."""
MAXIMA_SLOTS = 2
SUM_SLOTS = 2


def demand_order(graph: Graph) -> list[int]:
    """Steps in the order in which the result asks for them."""
    order: list[int] = []
    state = [0] * len(graph.steps)  # 0 not seen, 1 its dependencies are being ordered, 2 ordered
    # The last writers are wanted; whatever they do not need (a network may compute more) follows in its own order.
    for root in [len(graph.steps) - 1, *range(len(graph.steps))]:
        stack = [root]
        while stack:
            top = stack[-1]
            pending = [index for index in graph.steps[top].after if state[index] == 0] if state[top] == 0 else []
            if state[top] == 0:
                state[top] = 1
                stack += reversed(pending)
                continue
            stack.pop()
            if state[top] == 1:
                state[top] = 2
                order.append(top)
    return order


def interleave(graph: Graph, order: list[int]) -> list[int]:
    """Move independent steps between a step and one that reads its result, where both memories of row maxima allow."""
    maxima = _MaximaReaders(graph)
    remaining = list(order)
    done: set[int] = set()
    result: list[int] = []
    latest: dict[bool, int] = {}  # the last LOAD and the last convolution
    while remaining:
        window = remaining[:WINDOW]
        ready = [i for i in window if all(d in done for d in graph.steps[i].after) and maxima.free_for(i)]
        fresh = [i for i in ready if not graph.steps[i].flow & set(latest.values())]
        if not ready:
            # Slots are free again once the readers in front of the window are done, so this cannot persist.
            ready = [i for i in remaining if all(d in done for d in graph.steps[i].after) and maxima.free_for(i)]
        chosen = (fresh or ready)[0]
        remaining.remove(chosen)
        done.add(chosen)
        result.append(chosen)
        latest[graph.steps[chosen].node is None] = chosen
        maxima.issue(chosen)
    return result


class _MaximaReaders:
    """How many sets of row maxima are in use: from the convolution that makes one to the last that reads it."""

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
    makers = {step.output.buffer: step.index for step in graph.steps if step.node and step.node.layer.row_max}
    readers: dict[int, set[int]] = {index: set() for index in makers.values()}
    for step in graph.steps:
        if takes_exponentials(step):
            readers[makers[step.streamed[0].buffer]].add(step.index)
    return readers


def takes_exponentials(step: Step) -> bool:
    """Whether the step is a convolution with the exponential prologue."""
    return step.node is not None and step.node.layer.prologue == Prologue.EXPONENTIAL


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
