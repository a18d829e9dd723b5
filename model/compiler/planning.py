"""Order and places together: the fastest order that fits, with tensors cut into slices where none does, and
spilled to DRAM where slices do not do."""

from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.stream import tiles
from pointwise.model.engine.op import AddScaled

from .analysis import Analysis, Key
from .cuts import Cuts
from .cutting import agree, chains, cut_further, finest, most_slices
from .halos import fewer_halos
from .lifetimes import items_of, lifetimes
from .lowering import Graph, sliceable
from .placement import height, peak, place
from .schedule import interleave
from .spilling import spill

_AMBITIONS = (1.0, 0.9, 0.8, 0.0)
"""Parts of the activation SRAM up to which steps may be moved ahead, in the order of trying; 0 moves none.
Fewer than all leaves space for what lives longer when steps are moved, and for gaps."""
_UNIFORM = (2, 3, 4, 6, 9, 1 << 16)
"""Numbers of slices for everything that can be cut, which spilling tries last."""
_FILLINGS = (1.0, 0.9, 0.8, 0.6)
"""Parts of the memories that spilling fills, in the order of trying: less leaves room for gaps."""


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


def find_plan(analysis: Analysis, config: CoreConfig, cuts: Cuts | None = None) -> Plan | None:
    """Find an order and a place for everything; None where it does not fit.

    Args:
        cuts: of the same network for a core that differs in the sizes of its memories at most.

    First without slices, then with more and more of them; where even the finest do not fit, again from the
    coarsest on with what does not fit waiting in DRAM.
    """
    cuts = cuts or Cuts(analysis, config)
    may_slice = sliceable(analysis)
    found, tried = _sliced(analysis, config, cuts, may_slice)
    if found is not None:
        slices = tried[-1]
        for fewer in fewer_halos(analysis, config, cuts, may_slice, cuts[slices]):
            other, tried = _sliced(analysis, config, cuts, fewer)
            if other is not None and cuts[tried[-1]].cycles < cuts[slices].cycles:
                found, slices = other, tried[-1]
                break
        return _coarser(analysis, config, cuts, slices, found) if analysis.rows else found
    # The residual stream may have stopped it early, and what is alive may fit while its gaps do not.
    slices = dict(tried[-1])
    while cut_further(analysis, cuts[slices].graph, cuts[slices].order, config, may_slice, slices):
        tried.append(dict(slices))
    for parts in _UNIFORM:
        cut = {key: min(parts, finest(analysis.tensors[key], config)) for key in may_slice}
        cut = {key: min(count, most_slices(analysis, key)) for key, count in cut.items()}
        if analysis.rows:
            agree(analysis, cut)
        tried += [cut] if cut not in tried else []
    for cut in tried:
        result = _spilled(analysis, config, cuts, cut)
        if result is not None:
            return result
    return None


def _sliced(
    analysis: Analysis, config: CoreConfig, cuts: Cuts, may_slice: set[Key]
) -> tuple[Plan | None, list[dict[Key, int]]]:
    """A plan without spilling, None where slices do not do, and the slices that were tried, its own last."""
    slices: dict[Key, int] = {}
    tried: list[dict[Key, int]] = []
    while True:
        tried.append(dict(slices))
        graph, serial = cuts[slices].graph, cuts[slices].order
        result = _ordered(graph, serial, config)
        if result is not None:
            return result, tried
        if _needed(graph, serial, config, Space.RESIDUAL) > config.res_words:
            break
        if not cut_further(analysis, graph, serial, config, may_slice, slices):
            break
    return None, tried


def _ordered(graph: Graph, serial: list[int], config: CoreConfig) -> Plan | None:
    """The plan whose steps are moved ahead the most, None where none fits."""
    orders = (interleave(graph, serial, int(part * config.act_words)) for part in _AMBITIONS)
    return next(filter(None, (_try(graph, order, config) for order in orders)), None)


def _coarser(
    analysis: Analysis, config: CoreConfig, cuts: Cuts, slices: dict[Key, int], found: Plan
) -> Plan:
    """The same with fewer slices, chain by chain, as far as they fit: fewer of them have fewer halos."""
    for members in chains(analysis, slices):
        few, enough = 1, slices[next(iter(members))]
        while enough - few > 1:
            middle = (few + enough) // 2
            cut = cuts[slices | dict.fromkeys(members, middle)]
            other = _ordered(cut.graph, cut.order, config) if cut.cycles < cuts[slices].cycles else None
            if other is not None:
                found, enough = other, middle
                slices = slices | dict.fromkeys(members, middle)
            else:
                few = middle
    return found


def _spilled(analysis: Analysis, config: CoreConfig, cuts: Cuts, slices: dict[Key, int]) -> Plan | None:
    """A plan in which some buffers wait in DRAM, None where that does not do."""
    capacity = {Space.ACTIVATION: config.act_words, Space.RESIDUAL: config.res_words}
    for parts in _residual_slices(analysis, config):
        cut = cuts[_cut_residual(analysis, slices, parts)]
        graph, serial = cut.graph, cut.order
        for filling in _FILLINGS:
            room = {space: int(words * filling) for space, words in capacity.items()}
            if any(least > room[space] for space, least in cut.least.items()):
                break  # an order that is interleaved needs no less
            for order in (interleave(graph, serial, room[Space.ACTIVATION]), serial):
                walked = spill(graph, order, room)
                result = _try(*walked, config) if walked else None
                if result is not None:
                    return result
    return None


def _cut_residual(analysis: Analysis, slices: dict[Key, int], parts: int) -> dict[Key, int]:
    """Slices with the residual stream in ``parts``, and what goes from it to it token by token as fine."""
    cut, may_slice = dict(slices), sliceable(analysis)
    if analysis.residual is None:
        return cut
    tokens = analysis.tensors[analysis.residual].tokens
    for key, tensor in analysis.tensors.items():
        if tensor.space == Space.RESIDUAL and key != analysis.output:
            cut[key] = parts
        elif key in may_slice and tensor.tokens == tokens:
            readers = (analysis.nodes[index].output for index in tensor.streamed_by)
            if any(analysis.tensors[reader].space == Space.RESIDUAL for reader in readers):
                cut[key] = max(cut.get(key, 1), parts)
    return cut


def _residual_slices(analysis: Analysis, config: CoreConfig) -> list[int]:
    """Numbers of slices of the residual stream: one where it fits, else so many that two, four or one find
    room at once, beside the result where that is int16."""
    if analysis.residual is None:
        return [1]
    tensor, result = analysis.tensors[analysis.residual], analysis.tensors[analysis.output]
    words = tiles(tensor.channels, config.rows)
    room = config.res_words
    if result.space == Space.RESIDUAL and result is not tensor:
        room -= result.tokens * tiles(result.channels, config.rows)
    if tensor.tokens * words <= room:
        return [1]
    counts = [-(-tensor.tokens // most) for most in (room // words // part for part in (2, 4, 1)) if most > 0]
    return [count for count in counts if count <= finest(tensor, config)]


def _apart(graph: Graph) -> dict[int, set[int]]:
    """Buffers that one convolution reads at once: what is streamed, what is loaded, what is added to."""
    found: dict[int, set[int]] = {}
    for step in graph.steps:
        adds = step.node is not None and step.node.op.stage(AddScaled)
        added = (step.added or step.output) if adds else None
        for other in (rows for rows in (step.stationary, added) if rows is not None):
            for rows in step.streamed:
                found.setdefault(rows.buffer, set()).add(other.buffer)
                found.setdefault(other.buffer, set()).add(rows.buffer)
    return found


def _try(graph: Graph, order: list[int], config: CoreConfig) -> Plan | None:
    alive = lifetimes(graph, order)
    places: dict[int, int] = {}
    used, most = {}, {}
    for space in Space:
        items = items_of(graph, alive, space)
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
    items = items_of(graph, lifetimes(graph, order), space)
    placed = place(items, None)
    return height(items, placed or {})


