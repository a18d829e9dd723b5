"""Pictures that do not fit on chip wait in DRAM, row by row: what a layer needs at a time is brought, with
the rows that a window reaches beyond it, and what it makes is stored.

Nothing is made twice, as in slices with halos on chip; instead rows are brought twice. A sum of bytes, which
is changed in place, and what it is made of wait together."""

from collections.abc import Iterator
from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.stream import tiles
from pointwise.model.engine.op import RowMax

from .analysis import Analysis, Key
from .cuts import Cut
from .lifetimes import items_of, lifetimes
from .lowering import lower, row_unit, sliceable
from .pace import Pace
from .placement import Item, Rectangle, peak
from .schedule import interleave

_LARGE = (2, 3, 4, 6, 8, 16, 32)
"""Parts of the activation SRAM above which a picture waits in DRAM, in the order of trying."""
_AT_ONCE = (6, 8, 12, 16, 24, 32, 64)
"""Parts of it that the rows of a picture take at most that are on chip at once."""


@dataclass(frozen=True)
class Way:
    """A network with some pictures in DRAM.

    Attributes:
        slices: their numbers of slices, and of what is loaded. offloaded: what waits.
        cut: the graph of it. cost: about the cycles that it takes.
        room: words of activations that are alive at once, slices of what waits counted twice: the next one is
            brought meanwhile; and three times where they are stored as well.
    """

    slices: dict[Key, int]
    offloaded: frozenset[Key]
    cut: Cut
    cost: float
    room: int


def offloadable(analysis: Analysis, config: CoreConfig) -> list[set[Key]]:
    """Pictures that may wait in DRAM; those of a set do together, as one is added to the other."""
    together = {key: {key} for key in analysis.tensors}
    for node in analysis.nodes:
        if node.added is not None and together[node.added] is not together[node.output]:
            together[node.added] |= together[node.output]
            for key in together[node.added]:
                together[key] = together[node.added]
    groups = {id(members): members for members in together.values()}.values()
    return [group for group in groups if all(_may_wait(analysis, config, key) for key in group)]


def _may_wait(analysis: Analysis, config: CoreConfig, key: Key) -> bool:
    tensor, row = analysis.tensors[key], analysis.rows.get(key)
    readers = [analysis.nodes[index] for index in tensor.streamed_by]
    writers = [analysis.nodes[index] for index in tensor.writers if index >= 0]
    users = readers + writers + [analysis.nodes[index] for index in tensor.added_by]
    return (
        row is not None
        and tensor.space == Space.ACTIVATION
        and tensor.tokens // row > row_unit(row, config)
        and key != analysis.output
        and len(writers) == len(tensor.writers)
        and not tensor.stationary_of
        and all(len(node.inputs) == 1 and node.stationary is None and not node.first for node in users)
        and all(node.op.tokens == tensor.tokens and not node.op.stage(RowMax) for node in readers)
        and all(node.count == tensor.tokens for node in writers)
    )


def ways(analysis: Analysis, config: CoreConfig) -> list[Way]:
    """Ways that may fit the activation SRAM, the best one first: those with room to bring what comes next
    while a convolution runs, then the others, each by their cost."""
    groups, pace = offloadable(analysis, config), Pace(analysis, config)
    found = [_way(analysis, config, pace, *choice) for choice in _choices(analysis, config, groups)]
    found = sorted((way for way in found if way.cut.peak <= config.act_words), key=lambda way: way.cost)
    roomy = [way for way in found if way.room <= config.act_words]
    better = [_fewer(analysis, config, pace, groups, roomy[0])] if roomy else []
    return better + roomy + [way for way in found if way.room > config.act_words]


def finest_first(analysis: Analysis, config: CoreConfig) -> Iterator[Way]:
    """Ways that may fit, those that need little memory first."""
    pace = Pace(analysis, config)
    for choice in reversed(list(_choices(analysis, config, offloadable(analysis, config)))):
        way = _way(analysis, config, pace, *choice)
        if way.cut.peak <= config.act_words:
            yield way


def _way(
    analysis: Analysis, config: CoreConfig, pace: Pace, slices: dict[Key, int], offloaded: frozenset[Key]
) -> Way:
    graph = lower(analysis, config, slices, offloaded)
    cut = Cut(graph, pace.each, complete=True, layers=True)
    alive = lifetimes(graph, cut.order)
    moves = [step.output.buffer for step in graph.steps if step.node is None]
    more = [index for index in moves if graph.buffers[index].tensor.key in offloaded]
    items = items_of(graph, alive, Space.ACTIVATION)
    items += [Item((Rectangle(index, 0, graph.buffers[index].words, *alive[index]),)) for index in more]
    room = int(peak(items, len(cut.order) + 1).max())
    order = interleave(graph, cut.order, config.act_words, config.act_words) or cut.order
    return Way(slices, offloaded, cut, pace.cycles(graph, order), room)


def _fewer(analysis: Analysis, config: CoreConfig, pace: Pace, groups: list[set[Key]], way: Way) -> Way:
    """The same with pictures that need not wait on chip, as far as that costs less."""
    for group in groups:
        if group <= way.offloaded:
            slices = {key: parts for key, parts in way.slices.items() if key not in group}
            other = _way(analysis, config, pace, slices, way.offloaded - group)
            if other.cost < way.cost and other.room <= config.act_words:
                way = other
    return way


def _choices(
    analysis: Analysis, config: CoreConfig, groups: list[set[Key]]
) -> Iterator[tuple[dict[Key, int], frozenset[Key]]]:
    """Numbers of slices, and what waits in DRAM: all pictures that are large, in slices that are small."""
    may_slice, seen = sliceable(analysis), set()
    alone = len(analysis.tensors[analysis.input].streamed_by) == 1

    def words(key: Key) -> int:
        tensor = analysis.tensors[key]
        return tensor.tokens * tiles(tensor.channels, config.rows)

    for large in _LARGE:
        chosen = [group for group in groups if max(map(words, group)) * large > config.act_words]
        offloaded = frozenset().union(*chosen)
        if not offloaded or offloaded in seen:
            continue
        seen.add(offloaded)
        loaded = {analysis.input} & may_slice if alone else set()
        for part in _AT_ONCE:
            most = max(1, config.act_words // part)
            parts = {key: tiles(words(key), most) for key in (*offloaded, *loaded)}
            for key in loaded:
                parts[key] = min(parts[key], analysis.most_slices[key])
            yield parts, offloaded
