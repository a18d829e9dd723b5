"""When buffers are alive in an order of steps, as items to be placed."""

from typing import TYPE_CHECKING

from pointwise.hw.contract.isa import Space

from .lowering import Graph
from .placement import Item, Rectangle

if TYPE_CHECKING:
    from .spilling import Spilled


def lifetimes(graph: Graph, order: list[int]) -> dict[int, tuple[int, int]]:
    """Positions in ``order`` of the first and the last step that touch each buffer."""
    found: dict[int, tuple[int, int]] = {}
    for position, index in enumerate(order):
        for buffer in graph.steps[index].touched:
            found[buffer] = (found.get(buffer, (position,))[0], position)
    found[graph.output] = (found[graph.output][0], len(order))  # it is stored after everything else
    return found


def items_of(graph: "Graph | Spilled", alive: dict[int, tuple[int, int]], space: Space) -> list[Item]:
    """What has to be placed in one memory."""
    grouped = {buffer for group in graph.groups for buffer in group}
    alone = [(b.index,) for b in graph.buffers if b.index in alive and b.index not in grouped]
    items = []
    for members in [*graph.groups, *alone]:
        if graph.buffers[members[0]].space == space:
            rectangles, offset = [], 0
            for member in members:
                words = graph.buffers[member].words
                rectangles.append(Rectangle(member, offset, words, *alive[member]))
                offset += words
            items.append(Item(tuple(rectangles)))
    return items
