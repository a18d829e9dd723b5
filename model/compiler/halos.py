"""Slices of pictures overlap where windows reach: what two of them hold is made twice. A tensor that is left
whole ends a chain of slices, and the halos in front of it grow no further."""

from collections.abc import Iterator
from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig

from .analysis import Analysis, Key
from .cuts import Cut, Cuts
from .cutting import finer

_CANDIDATES = 8
"""Tensors that are tried to be left whole, the smallest ones."""


@dataclass(frozen=True)
class _Fit:
    """The coarsest slices that fit, in the order of demand: their cycles, and what is cut."""

    cycles: int
    slices: dict[Key, int]


def fewer_halos(
    analysis: Analysis, config: CoreConfig, cuts: Cuts, may_slice: set[Key], cut: Cut
) -> Iterator[set[Key]]:
    """Choices of what may be sliced with which a network of pictures takes less work than ``cut``, the least
    work first. Whether it can be placed is not said."""
    if not analysis.rows or cut.cycles == cuts.least_cycles:
        return
    fit = _fit(analysis, config, cuts, may_slice)
    # What need not be cut so far ends a chain as it is.
    current, least, better = set(fit.slices if fit else ()), cut.cycles, []
    while fit is not None:
        sizes = {key: analysis.tensors[key].tokens * analysis.tensors[key].channels for key in fit.slices}
        smallest = sorted(sizes.keys() & analysis.rows.keys(), key=lambda key: sizes[key])[:_CANDIDATES]
        tried = [(current - {key}, _fit(analysis, config, cuts, current - {key})) for key in smallest]
        found = [(keys, other) for keys, other in tried if other is not None and other.cycles < least]
        if not found:
            break
        current, fit = min(found, key=lambda pair: pair[1].cycles)
        least = fit.cycles
        better.append(current)
    yield from reversed(better)


def _fit(analysis: Analysis, config: CoreConfig, cuts: Cuts, may_slice: set[Key]) -> _Fit | None:
    for slices in finer(analysis, config, cuts, may_slice):
        if cuts[slices].peak <= config.act_words:
            return _Fit(cuts[slices].cycles, slices)
    return None
