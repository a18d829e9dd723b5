"""Plans, or the sentence that says how much memory would do."""

from collections.abc import Callable
from dataclasses import replace

from pointwise.hw.contract.config import LARGEST_KIB, CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Space
from pointwise.model.graph import Graph
from pointwise.model.graph.passes.shorten import shorten

from .analysis import Key, analyse
from .collection import collection_paused
from .cuts import Cuts
from .planning import Plan, find_plan, fits_whole, fitting, least_words

_MEMORIES = {"act_kib": "activation SRAM", "res_kib": "residual SRAM"}
_SPACES = {"act_kib": Space.ACTIVATION, "res_kib": Space.RESIDUAL}


class Room:
    """A network's room on cores that differ in the sizes of their memories, the bus and the epilogue at most.

    Where blocks are alike, a few of them tell what all need: what these do not fit is not tried with all.

    Args:
        config: one of the cores.

    Raises:
        PointwiseError: no memory would make the network possible.
    """

    def __init__(self, network: Graph, config: CoreConfig) -> None:
        self.name = network.name
        self.analysis = analyse(network, config)
        self.cuts = Cuts(self.analysis, config)
        short, self._stands_for = shorten(network)
        self._few, self._few_cuts = self.analysis, self.cuts
        if 2 * len(short) <= len(network):
            self._few = analyse(short, config)
            self._few_cuts = Cuts(self._few, config)
        self._known: dict[tuple[int, int], dict[Key, int] | None] = {}

    @collection_paused()
    def plan(self, config: CoreConfig) -> Plan:
        """The plan of the network for a core.

        Raises:
            PointwiseError: it does not fit; the sentence names the memories that are too small, and for each
                the least KiB with which it was found to fit.
        """
        found = find_plan(self.analysis, config, self.cuts, lambda: self._hopeless(config))
        if found is not None:
            return found
        grown = self._grown(config)
        if grown is None:
            raise PointwiseError(
                f"network {self.name} does not fit a core with {config.rows} rows, not even with "
                f"{LARGEST_KIB} KiB in each memory; build one with more rows"
            )
        short_of = [field for field in _MEMORIES if getattr(grown, field) != getattr(config, field)]
        needs = " and ".join(
            f"its {memory} has {getattr(config, field)} KiB and {getattr(grown, field)} KiB are needed"
            for field, memory in _MEMORIES.items()
            if field in short_of
        )
        wanted = " and ".join(f"{field} = {getattr(grown, field)}" for field in short_of)
        raise PointwiseError(
            f"network {self.name} does not fit the core: {needs}; build a core with {wanted} or more"
        )

    @collection_paused()
    def roomy(self, config: CoreConfig) -> CoreConfig:
        """The core itself where the network fits it, else one with larger memories.

        Returns:
            The core with each memory doubled until nothing has to wait in DRAM; as it is, where even the
            largest memories do not do.
        """
        grown = config
        if self._slices(config) is not None and self._fits(config):
            return config
        for field in ("res_kib", "act_kib"):
            # With all room in the other memory; the residual stream is the same whatever the activations are.
            beside = {"act_kib": LARGEST_KIB} if field == "res_kib" else {}
            while not fits_whole(self._few, replace(grown, **beside), self._few_cuts):
                size = getattr(grown, field)
                if size >= LARGEST_KIB:
                    return config
                grown = replace(grown, **{field: min(2 * size, LARGEST_KIB)})
        return grown

    def _hopeless(self, config: CoreConfig) -> bool:
        """Whether not even a few blocks fit, of a network that has more."""
        return self._few is not self.analysis and self._slices(config) is None

    def _slices(self, config: CoreConfig) -> dict[Key, int] | None:
        """Slices with which a few blocks fit, None where they do not."""
        size = config.act_kib, config.res_kib
        if size not in self._known:
            self._known[size] = fitting(self._few, config, self._few_cuts)
        return self._known[size]

    def _fits(self, config: CoreConfig) -> bool:
        """Whether the network fits, all blocks of it."""
        few = self._slices(config)
        if few is None or self._few is self.analysis:
            return few is not None
        alike = {key: self._stands_for.get(key, key) for key in self.analysis.tensors}
        guess = {key: few[other] for key, other in alike.items() if other in few}
        return fitting(self.analysis, config, self.cuts, guess) is not None

    def _too_small(self, config: CoreConfig, field: str) -> int:
        """KiB of one memory that do not do: those of a core that does not, or less than any step needs."""
        kib = getattr(config, field)
        words = {"act_kib": config.act_words, "res_kib": config.res_words}[field] // kib
        least = least_words(self._few, config, self._few_cuts)[_SPACES[field]]
        return max(kib, -(-least // words) - 1)

    def _grown(self, config: CoreConfig) -> CoreConfig | None:
        """The core with the least more memory that is found to do, None where the largest does not."""
        ample = {field: replace(config, **{field: LARGEST_KIB}) for field in _MEMORIES}
        for field, other in ample.items():
            if self._slices(other) is not None:
                return self._least(config, field)
        if self._slices(replace(config, act_kib=LARGEST_KIB, res_kib=LARGEST_KIB)) is None:
            return None
        # Both are too small: the residual stream first, with all room beside it.
        grown = self._least(ample["act_kib"], "res_kib")
        return self._least(replace(grown, act_kib=config.act_kib), "act_kib")

    def _least(self, config: CoreConfig, field: str) -> CoreConfig:
        """The core with the least of one memory that does, where the largest is known to do."""

        def with_kib(kib: int) -> CoreConfig:
            return replace(config, **{field: kib})

        kib = self._too_small(config, field)
        while True:
            kib = least_that_does(lambda kib: self._slices(with_kib(kib)) is not None, kib, LARGEST_KIB)
            # Gaps between buffers may come together in all blocks alone.
            if kib >= LARGEST_KIB or self._fits(with_kib(kib)):
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
