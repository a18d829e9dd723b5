"""Plans, or the sentence that says how much memory would do."""

from collections.abc import Callable
from dataclasses import replace

from pointwise.hw.contract.config import LARGEST_KIB, CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Space
from pointwise.model.graph import Graph
from pointwise.model.graph.passes.shorten import shorten

from .analysis import Analysis, Key, analyse
from .collection import collection_paused
from .cuts import Cuts
from .planning import Plan, find_plan, fits_whole, fitting, least_words

_MEMORIES = {"act_kib": "activation SRAM", "res_kib": "residual SRAM"}
_SPACES = {"act_kib": Space.ACTIVATION, "res_kib": Space.RESIDUAL}


@collection_paused()
def plan(network: Graph, analysis: Analysis, config: CoreConfig) -> Plan:
    """The plan of a network for a core.

    Args:
        analysis: of the network for the core.

    Raises:
        PointwiseError: it does not fit; the sentence names the memories that are too small, and for each the
            least KiB with which it was found to fit.
    """
    room = _Room(network, config, analysis)
    found = find_plan(analysis, config, room.cuts, lambda: room.hopeless(config))
    if found is not None:
        return found
    grown = _grown(room, config)
    if grown is None:
        raise PointwiseError(
            f"network {network.name} does not fit a core with {config.rows} rows, not even with "
            f"{LARGEST_KIB} KiB in each memory; build one with more rows"
        )
    short_of = [field for field in _MEMORIES if getattr(grown, field) != getattr(config, field)]
    needs = " and ".join(
        f"its {_MEMORIES[field]} has {getattr(config, field)} KiB and {getattr(grown, field)} KiB are needed"
        for field in short_of
    )
    wanted = " and ".join(f"{field} = {getattr(grown, field)}" for field in short_of)
    raise PointwiseError(
        f"network {network.name} does not fit the core: {needs}; build a core with {wanted} or more"
    )


@collection_paused()
def roomy(network: Graph, config: CoreConfig) -> CoreConfig:
    """The core itself where a network fits it, else one with larger memories.

    Returns:
        The core with each memory doubled until nothing has to wait in DRAM; as it is, where even the largest
        memories do not do.

    Raises:
        PointwiseError: no memory would make the network possible.
    """
    room, grown = _Room(network, config), config
    if room.slices(config) is not None and room.fits(config):
        return config
    for field in ("res_kib", "act_kib"):
        # With all room in the other memory; the residual stream is the same whatever the activations are.
        beside = {"act_kib": LARGEST_KIB} if field == "res_kib" else {}
        while not room.fits_whole(replace(grown, **beside)):
            size = getattr(grown, field)
            if size >= LARGEST_KIB:
                return config
            grown = replace(grown, **{field: min(2 * size, LARGEST_KIB)})
    return grown


class _Room:
    """What is known of a network's room on cores that differ in the sizes of their memories.

    Where blocks are alike, a few of them tell what all need: what these do not fit is not tried with all.
    """

    def __init__(self, network: Graph, config: CoreConfig, analysis: Analysis | None = None) -> None:
        self.analysis = analysis or analyse(network, config)
        self.cuts = Cuts(self.analysis, config)
        short, self.stands_for = shorten(network)
        self.few, self.few_cuts = self.analysis, self.cuts
        if 2 * len(short) <= len(network):
            self.few = analyse(short, config)
            self.few_cuts = Cuts(self.few, config)
        self._known: dict[tuple[int, int], dict[Key, int] | None] = {}

    def hopeless(self, config: CoreConfig) -> bool:
        """Whether not even a few blocks fit, of a network that has more."""
        return self.few is not self.analysis and self.slices(config) is None

    def slices(self, config: CoreConfig) -> dict[Key, int] | None:
        """Slices with which a few blocks fit, None where they do not."""
        size = config.act_kib, config.res_kib
        if size not in self._known:
            self._known[size] = fitting(self.few, config, self.few_cuts)
        return self._known[size]

    def fits(self, config: CoreConfig) -> bool:
        """Whether the network fits, all blocks of it."""
        few = self.slices(config)
        if few is None or self.few is self.analysis:
            return few is not None
        alike = {key: self.stands_for.get(key, key) for key in self.analysis.tensors}
        guess = {key: few[other] for key, other in alike.items() if other in few}
        return fitting(self.analysis, config, self.cuts, guess) is not None

    def fits_whole(self, config: CoreConfig) -> bool:
        """Whether a few blocks fit with nothing waiting in DRAM."""
        return fits_whole(self.few, config, self.few_cuts)

    def too_small(self, config: CoreConfig, field: str) -> int:
        """KiB of one memory that do not do: those of a core that does not, or less than any step needs."""
        kib = getattr(config, field)
        words = {"act_kib": config.act_words, "res_kib": config.res_words}[field] // kib
        least = least_words(self.few, config, self.few_cuts)[_SPACES[field]]
        return max(kib, -(-least // words) - 1)


def _grown(room: _Room, config: CoreConfig) -> CoreConfig | None:
    """The core with the least more memory with which it is found to do, None where the largest does not."""
    ample = {field: replace(config, **{field: LARGEST_KIB}) for field in _MEMORIES}
    for field, other in ample.items():
        if room.slices(other) is not None:
            return _least(room, config, field)
    if room.slices(replace(config, act_kib=LARGEST_KIB, res_kib=LARGEST_KIB)) is None:
        return None
    # Both are too small: the residual stream first, with all room beside it.
    grown = _least(room, ample["act_kib"], "res_kib")
    return _least(room, replace(grown, act_kib=config.act_kib), "act_kib")


def _least(room: _Room, config: CoreConfig, field: str) -> CoreConfig:
    """The core with the least of one memory that does, where the largest is known to do."""

    def with_kib(kib: int) -> CoreConfig:
        return replace(config, **{field: kib})

    kib = room.too_small(config, field)
    while True:
        kib = least_that_does(lambda kib: room.slices(with_kib(kib)) is not None, kib, LARGEST_KIB)
        # Gaps between buffers may come together in all blocks alone.
        if kib >= LARGEST_KIB or room.fits(with_kib(kib)):
            return with_kib(kib)


def least_that_does(does: Callable[[int], bool], too_small: int, enough: int) -> int:
    """The least number above ``too_small`` that does, found in steps that double and by halving then.

    Args:
        does: whether a number does; if one does, a larger one is taken to do too. enough: is known to do.
    """
    step = max(1, too_small // 8)
    while too_small + step < enough:
        if does(too_small + step):
            enough = too_small + step
            break
        too_small += step
        step *= 2
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        if does(middle):
            enough = middle
        else:
            too_small = middle
    return enough
