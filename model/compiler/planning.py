"""Order and places together: the fastest order that fits, with tensors cut into slices where none does, and
in DRAM where slices do not do; pictures also where that is faster."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from math import inf

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.stream import tiles

from .analysis import Analysis, Key
from .cuts import Cut, Cuts
from .cutting import agree, chains, cut_further, finer, finest
from .halos import fewer_halos
from .lifetimes import items_of, lifetimes
from .lowering import Graph, Pairs, sliceable
from .offload import finest_first, ways
from .pace import Pace
from .placement import height, peak, place
from .schedule import MAXIMA_SLOTS, interleave, maxima_readers
from .spilling import Spilled, spill
from .urgency import Urgency

_OCCUPANCY_TARGETS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.0)
"""Parts of the activation SRAM up to which steps may be moved ahead, in the order of trying; 0 moves none.
Fewer than all leaves space for what lives longer when steps are moved, and for gaps."""
_UNIFORM = (2, 3, 4, 6, 9, 1 << 16)
"""Numbers of slices for everything that can be cut, which spilling tries last."""
_SPILL_OCCUPANCIES = (1.0, 0.9, 0.8, 0.6)
"""Parts of the memories that spilling fills, in the order of trying: less leaves room for gaps."""


_WORTH = 0.99
"""Steps are taken by urgency where that takes at most this part of the time: it keeps more tensors alive, for
which there is less choice of banks."""
_STORED_BESIDE = 2
"""Convolutions that may run while a buffer is stored of what was made before them."""


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


def find_plan(
    analysis: Analysis, config: CoreConfig, cuts: Cuts, hopeless: Callable[[], bool] = lambda: False
) -> Plan | None:
    """Find an order and a place for everything; None where it does not fit.

    Args:
        cuts: of the same network for a core that differs in the sizes of its memories at most.
        hopeless: asked before spilling is tried, which takes long: whether it need not be.

    First without slices, then with more and more of them; where even the finest do not fit, again from the
    coarsest on with what does not fit waiting in DRAM. Pictures wait there row by row, and also where their
    slices would have halos that cost more.
    """
    may_slice = sliceable(analysis)
    found, tried = _sliced(analysis, config, cuts, may_slice)
    if found is None:
        offloaded = _offloaded(analysis, config) if analysis.rows else None
        return offloaded if offloaded or hopeless() else _spilled(analysis, config, cuts, tried)
    slices = tried[-1]
    for fewer in fewer_halos(analysis, config, cuts, may_slice, cuts[slices]):
        other, tried = _sliced(analysis, config, cuts, fewer)
        if other is not None and cuts[tried[-1]].cycles < cuts[slices].cycles:
            found, slices = other, tried[-1]
            break
    if not analysis.rows:
        return found
    found = _coarser(analysis, config, cuts, slices, found)
    if cuts.cycles_of(found.graph) == cuts.least_cycles:
        return found
    return _offloaded(analysis, config, Pace(analysis, config).cycles(found.graph, found.order)) or found


def _offloaded(analysis: Analysis, config: CoreConfig, most: float = inf) -> Plan | None:
    """A plan in which pictures wait in DRAM row by row, None where none is found that costs less than
    ``most``."""
    found = (way for way in ways(analysis, config) if way.cost < most)
    return next(filter(None, (_ordered(way.cut, config) for way in found)), None)


def plan_in_dram(analysis: Analysis, config: CoreConfig) -> Plan | None:
    """A plan in which as many pictures as can wait in DRAM, in slices as fine as they may be; None where none
    can."""
    plans = (_ordered(way.cut, config) for way in finest_first(analysis, config))
    return next((plan for plan in plans if plan is not None), None)


def fitting(
    analysis: Analysis, config: CoreConfig, cuts: Cuts, guess: dict[Key, int] | None = None
) -> dict[Key, int] | None:
    """Slices with which ``find_plan`` finds a plan, known sooner than the best; None where it finds none.

    Args:
        cuts: as of ``find_plan``. guess: slices that are tried first, of those that need spilling.
    """
    found, tried = _sliced(analysis, config, cuts, sliceable(analysis))
    if found is not None:
        return tried[-1]
    if analysis.rows:
        smallest = (way for way in finest_first(analysis, config) if _ordered(way.cut, config) is not None)
        if (way := next(smallest, None)) is not None:
            return way.slices
    cut = sorted(_ways(analysis, config, cuts, tried), key=lambda slices: slices != guess)
    return next((slices for slices in cut if _spilled_in(analysis, config, cuts, slices) is not None), None)


def fits_whole(analysis: Analysis, config: CoreConfig, cuts: Cuts) -> bool:
    """Whether there is a plan in which nothing waits in DRAM."""
    return _sliced(analysis, config, cuts, sliceable(analysis))[0] is not None


def least_words(analysis: Analysis, config: CoreConfig, cuts: Cuts) -> dict[Space, int]:
    """Words of each memory without which no step of a transformer runs, in the finest slices; 0 of pictures,
    whose slices may be of any number of rows."""
    if analysis.rows or analysis.residual is None:
        return dict.fromkeys(Space, 0)
    parts = finest(analysis.tensors[analysis.residual], config)
    return cuts[_cut_residual(analysis, _uniform(analysis, config, 1 << 16), parts)].floor


def _sliced(
    analysis: Analysis, config: CoreConfig, cuts: Cuts, may_slice: set[Key]
) -> tuple[Plan | None, list[dict[Key, int]]]:
    """A plan without spilling, None where slices do not do, and the slices that were tried, its own last."""
    tried: list[dict[Key, int]] = []
    for slices in finer(analysis, config, cuts, may_slice):
        tried.append(slices)
        cut = cuts[slices]
        if (result := _ordered(cut, config)) is not None:
            return result, tried
        if _needed(cut.graph, cut.order, config, Space.RESIDUAL) > config.res_words:
            break
    return None, tried


def _ordered(cut: Cut, config: CoreConfig) -> Plan | None:
    """The plan whose steps are moved ahead the most, None where none fits."""
    if cut.floor[Space.ACTIVATION] > config.act_words or cut.floor[Space.RESIDUAL] > config.res_words:
        return None
    tried: list[list[int]] = []
    # Heads may be made in any order; slices of pictures are rather made just before who reads them.
    heads = bool(maxima_readers(cut.graph))
    urgency = Urgency(cut.graph, cut.order, config, MAXIMA_SLOTS) if heads else None
    for part in _OCCUPANCY_TARGETS:
        for order in _interleaved(cut, int(part * config.act_words), config.act_words, urgency):
            if order in tried:
                continue
            result = _try(cut.graph, order, config)
            if result is not None:
                return result
            tried.append(order)
    return None


def _interleaved(cut: Cut, words: int, most: int, urgency: Urgency | None) -> list[list[int]]:
    """Orders of so many words, the better one first: that by urgency only where it saves enough."""
    plain = interleave(cut.graph, cut.order, words, most)
    if urgency is None:
        return [plain] if plain else []
    urgent = interleave(cut.graph, cut.order, words, most, urgency)
    if plain is None or urgent is None:
        return [order for order in (urgent, plain) if order]
    worth = urgency.cycles(urgent) < _WORTH * urgency.cycles(plain)
    return [urgent, plain] if worth else [plain]


def _coarser(analysis: Analysis, config: CoreConfig, cuts: Cuts, slices: dict[Key, int], found: Plan) -> Plan:
    """The same with fewer slices, chain by chain, as far as they fit: fewer of them have fewer halos."""
    for members in chains(analysis, slices):
        few, enough = 1, slices[next(iter(members))]
        while enough - few > 1:
            middle = (few + enough) // 2
            cut = cuts[slices | dict.fromkeys(members, middle)]
            other = _ordered(cut, config) if cut.cycles < cuts[slices].cycles else None
            if other is not None:
                found, enough = other, middle
                slices = slices | dict.fromkeys(members, middle)
            else:
                few = middle
    return found


def _spilled(analysis: Analysis, config: CoreConfig, cuts: Cuts, tried: list[dict[Key, int]]) -> Plan | None:
    """A plan in which some buffers wait in DRAM, None where that does not do.

    Args:
        tried: slices with which it did not fit without, the finest last.
    """
    cut = _ways(analysis, config, cuts, tried)
    return next(filter(None, (_spilled_in(analysis, config, cuts, slices) for slices in cut)), None)


def _ways(
    analysis: Analysis, config: CoreConfig, cuts: Cuts, tried: list[dict[Key, int]]
) -> list[dict[Key, int]]:
    """The slices with which spilling is tried, in this order."""
    # The residual stream may have stopped it early, and what is alive may fit while its gaps do not.
    slices, may_slice, ways = dict(tried[-1]), sliceable(analysis), list(tried)
    while cut_further(analysis, cuts[slices].graph, cuts[slices].order, config, may_slice, slices):
        ways.append(dict(slices))
    for parts in _UNIFORM:
        cut = _uniform(analysis, config, parts)
        ways += [cut] if cut not in ways else []
    return ways


def _uniform(analysis: Analysis, config: CoreConfig, parts: int) -> dict[Key, int]:
    """Everything that can be cut in so many slices, or as many as it has."""
    may_slice = sliceable(analysis)
    cut = {key: min(parts, finest(analysis.tensors[key], config)) for key in may_slice}
    cut = {key: min(count, analysis.most_slices[key]) for key, count in cut.items()}
    if analysis.rows:
        agree(analysis, cut)
    return cut


def _spilled_in(analysis: Analysis, config: CoreConfig, cuts: Cuts, slices: dict[Key, int]) -> Plan | None:
    """The same with these slices."""
    capacity = {Space.ACTIVATION: config.act_words, Space.RESIDUAL: config.res_words}
    for parts in _residual_slices(analysis, config):
        cut = cuts[_cut_residual(analysis, slices, parts)]
        graph, serial = cut.graph, cut.order
        for filling in _SPILL_OCCUPANCIES:
            room = {space: int(words * filling) for space, words in capacity.items()}
            if any(least > room[space] for space, least in cut.least.items()):
                break  # an order that is interleaved needs no less
            for order in (interleave(graph, serial, room[Space.ACTIVATION]), serial):
                spilled = spill(graph, order, room)
                result = _try_spilled(spilled, config) if spilled else None
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


def _try(graph: Graph, order: list[int], config: CoreConfig) -> Plan | None:
    """The plan of an order, None where it finds no places."""
    alive = lifetimes(graph, order)
    found = _places(graph, alive, len(order), config, _stored_beside(graph, order))
    return Plan(graph, order, found.places, alive, found.used, found.most) if found else None


def _try_spilled(spilled: Spilled, config: CoreConfig) -> Plan | None:
    """The same of an order with LOADs and STOREs in it."""
    found = _places(spilled, spilled.alive, len(spilled.events), config)
    if found is None:
        return None
    graph = spilled.graph()
    return Plan(graph, list(range(len(graph.steps))), found.places, spilled.alive, found.used, found.most)


@dataclass(frozen=True)
class _Places:
    """Word addresses by buffer; words of each memory up to the highest, and the most in use at once."""

    places: dict[int, int]
    used: dict[Space, int]
    most: dict[Space, int]


def _places(
    graph: Graph | Spilled,
    alive: dict[int, tuple[int, int]],
    length: int,
    config: CoreConfig,
    more: Pairs = (),
) -> _Places | None:
    """Places of all buffers of an order of so many steps, None where there is no room.

    Args:
        more: pairs of buffers besides those of the graph that would rather be in different banks.
    """
    items = {space: items_of(graph, alive, space) for space in Space}
    capacity = {Space.ACTIVATION: config.act_words, Space.RESIDUAL: config.res_words}
    most = {space: int(peak(items[space], length + 1).max()) for space in Space}
    if any(most[space] > capacity[space] for space in Space):
        return None
    found = _Places({}, {}, most)
    for space in Space:
        banks, apart = 0, {}
        if space == Space.ACTIVATION and config.act_banks > 1:
            banks, apart = config.bank_words, _apart(chain(graph.apart, more))
        placed = place(items[space], capacity[space], banks, apart)
        if placed is None:
            return None
        found.places.update(placed)
        found.used[space] = height(items[space], placed)
    return found


def _stored_beside(graph: Graph, order: list[int]) -> Pairs:
    """Buffers that are stored, with those that the next convolutions stream, which go first at a bank."""
    waiting: list[tuple[int, int]] = []
    for index in order:
        step = graph.steps[index]
        if step.store:
            waiting.append((step.output.buffer, _STORED_BESIDE))
        elif step.node is not None:
            yield from ((buffer, rows.buffer) for buffer, _ in waiting for rows in step.streamed)
            waiting = [(buffer, left - 1) for buffer, left in waiting if left > 1]


def _apart(pairs: Pairs) -> dict[int, set[int]]:
    """For each buffer those that are read at the same time."""
    found: dict[int, set[int]] = {}
    for one, other in pairs:
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found


def _needed(graph: Graph, order: list[int], config: CoreConfig, space: Space) -> int:
    """Words that this order would need of a memory of any size."""
    items = items_of(graph, lifetimes(graph, order), space)
    placed = place(items, None)
    return height(items, placed or {})
