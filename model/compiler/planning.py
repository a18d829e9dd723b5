"""Order and places together: the fastest order that fits, with tensors cut into slices where none does."""

from dataclasses import dataclass

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.isa import Space

from .analysis import Analysis, Key
from .lowering import Graph, lower, sliceable
from .placement import Item, Rectangle, height, peak, place
from .schedule import demand_order, interleave, touched

MEMORIES = {Space.ACTIVATION: ("activation SRAM", "act_kib"), Space.RESIDUAL: ("residual SRAM", "res_kib")}


_AMBITIONS = (1.0, 0.9, 0.8, 0.0)
"""Parts of the activation SRAM up to which steps may be moved ahead, in the order of trying; 0 moves none.
Fewer than all leaves space for what lives longer when steps are moved, and for gaps."""


@dataclass(frozen=True)
class Plan:
    """A placed and ordered network.

    Attributes:
        graph: buffers and steps. order: step indices in program order. places: word address by buffer.
        lifetimes: (first, last) position in ``order`` by buffer.
        used: words of each memory up to the highest that is used. alive: the most words in use at once.
    """

    graph: Graph
    order: list[int]
    places: dict[int, int]
    lifetimes: dict[int, tuple[int, int]]
    used: dict[Space, int]
    alive: dict[Space, int]


def plan(analysis: Analysis, config: CoreConfig, name: str) -> Plan:
    """Find an order and a place for everything.

    Args:
        name: of the network, for messages.

    Raises:
        PointwiseError: it does not fit; the sentence names the memory, what is needed and what is there.
    """
    may_slice = sliceable(analysis)
    slices: dict[Key, int] = {}
    needed = dict.fromkeys(Space, 1 << 62)
    while True:
        graph = lower(analysis, config, slices)
        serial = demand_order(graph)
        for ambition in _AMBITIONS:
            order = interleave(graph, serial, int(ambition * config.act_words))
            result = _try(graph, order, config)
            if result is not None:
                return result
        for space in Space:
            needed[space] = min(needed[space], _needed(graph, serial, config, space))
        if needed[Space.RESIDUAL] > config.res_words:
            raise _does_not_fit(name, Space.RESIDUAL, needed[Space.RESIDUAL], config)
        if not _cut_further(analysis, graph, serial, config, may_slice, slices):
            raise _does_not_fit(name, Space.ACTIVATION, needed[Space.ACTIVATION], config)


def lifetimes(graph: Graph, order: list[int]) -> dict[int, tuple[int, int]]:
    """Positions in ``order`` of the first and the last step that touch each buffer."""
    found: dict[int, tuple[int, int]] = {}
    for position, index in enumerate(order):
        for buffer in touched(graph.steps[index]):
            found[buffer] = (found.get(buffer, (position,))[0], position)
    found[graph.output] = (found[graph.output][0], len(order))  # it is stored after everything else
    return found


def _items(graph: Graph, alive: dict[int, tuple[int, int]], space: Space) -> list[Item]:
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


def _apart(graph: Graph) -> dict[int, set[int]]:
    """Buffers that one convolution reads at once, as streamed and as stationary operand."""
    found: dict[int, set[int]] = {}
    for step in graph.steps:
        if step.stationary is not None:
            for rows in step.streamed:
                found.setdefault(rows.buffer, set()).add(step.stationary.buffer)
                found.setdefault(step.stationary.buffer, set()).add(rows.buffer)
    return found


def _try(graph: Graph, order: list[int], config: CoreConfig) -> Plan | None:
    alive = lifetimes(graph, order)
    places: dict[int, int] = {}
    used, most = {}, {}
    for space in Space:
        items = _items(graph, alive, space)
        capacity = config.act_words if space == Space.ACTIVATION else config.res_words
        most[space] = int(peak(items, len(order) + 1).max())
        if most[space] > capacity:
            return None
        banks = config.bank_words if space == Space.ACTIVATION and config.act_banks > 1 else 0
        placed = place(items, capacity, banks, _apart(graph))
        if placed is None:
            return None
        places |= placed
        used[space] = height(items, placed)
    return Plan(graph, order, places, alive, used, most)


def _needed(graph: Graph, order: list[int], config: CoreConfig, space: Space) -> int:
    """Words that this order would need of a memory of any size."""
    items = _items(graph, lifetimes(graph, order), space)
    placed = place(items, None)
    return height(items, placed or {})


def _cut_further(
    analysis: Analysis,
    graph: Graph,
    order: list[int],
    config: CoreConfig,
    may_slice: set[Key],
    slices: dict[Key, int],
) -> bool:
    """Cut the largest tensor of each step that is over the capacity; False where nothing is left to cut."""
    alive = lifetimes(graph, order)
    live = peak(_items(graph, alive, Space.ACTIVATION), len(order) + 1)
    limit = min(config.act_words, live.max() - 1)
    chosen: set[Key] = set()
    for position in (live > limit).nonzero()[0]:
        candidates = [
            buffer
            for buffer in graph.buffers
            if buffer.index in alive
            and alive[buffer.index][0] <= position <= alive[buffer.index][1]
            and buffer.tensor.key in may_slice
            and buffer.tokens > min(config.rows, buffer.tensor.tokens)
        ]
        if candidates:
            chosen.add(max(candidates, key=lambda buffer: buffer.words).tensor.key)
    for key in chosen:
        more = max(slices.get(key, 1) + 1, slices.get(key, 1) * 3 // 2)
        slices[key] = min(more, analysis.tensors[key].tokens)
    _agree(analysis, slices)
    return bool(chosen)


def _agree(analysis: Analysis, slices: dict[Key, int]) -> None:
    """A layer between two sliced tensors cuts both at the same places: give chains of them one number."""
    changed = True
    while changed:
        changed = False
        for node in analysis.nodes:
            source, target = node.inputs[0], node.output
            if source in slices and target in slices and slices[source] != slices[target]:
                slices[source] = slices[target] = max(slices[source], slices[target])
                changed = True


def _does_not_fit(name: str, space: Space, needed: int, config: CoreConfig) -> PointwiseError:
    memory, parameter = MEMORIES[space]
    unit = config.rows * (2 if space == Space.RESIDUAL else 1)
    banks = config.act_banks if space == Space.ACTIVATION else 1
    kib = -(-needed * unit // 1024)
    while kib * 1024 // unit // banks * banks < needed:
        kib += 1
    return PointwiseError(
        f"network {name} does not fit the core: its {memory} has {getattr(config, parameter)} KiB and {kib} "
        f"KiB are needed; build a core with {parameter} = {kib} or more"
    )
