"""Plans, or the sentence that says how much memory would do."""

from dataclasses import replace

from pointwise.hw.contract.config import LARGEST_KIB, CoreConfig
from pointwise.hw.contract.errors import PointwiseError

from .analysis import Analysis
from .cuts import Cuts
from .planning import Plan, find_plan

_MEMORIES = {"act_kib": "activation SRAM", "res_kib": "residual SRAM"}


def plan(analysis: Analysis, config: CoreConfig, name: str) -> Plan:
    """The plan of a network for a core.

    Args:
        name: of the network, for messages.

    Raises:
        PointwiseError: it does not fit; the sentence names the memories that are too small, and for each the
            least KiB with which it was found to fit.
    """
    cuts = Cuts(analysis, config)
    found = find_plan(analysis, config, cuts)
    if found is not None:
        return found
    ample = {field: replace(config, **{field: LARGEST_KIB}) for field in _MEMORIES}
    sufficient = next((field for field in _MEMORIES if find_plan(analysis, ample[field], cuts)), None)
    if sufficient is not None:
        grown = _grow(analysis, cuts, config, sufficient)
    elif find_plan(analysis, replace(config, act_kib=LARGEST_KIB, res_kib=LARGEST_KIB), cuts):
        # Both are too small: the residual stream first, with all room beside it.
        grown = _grow(analysis, cuts, ample["act_kib"], "res_kib")
        grown = _grow(analysis, cuts, replace(grown, act_kib=config.act_kib), "act_kib")
    else:
        raise PointwiseError(
            f"network {name} does not fit a core with {config.rows} rows, not even with {LARGEST_KIB} KiB in "
            "each memory; build one with more rows"
        )
    short = [field for field in _MEMORIES if getattr(grown, field) != getattr(config, field)]
    needs = " and ".join(
        f"its {_MEMORIES[field]} has {getattr(config, field)} KiB and {getattr(grown, field)} KiB are needed"
        for field in short
    )
    wanted = " and ".join(f"{field} = {getattr(grown, field)}" for field in short)
    raise PointwiseError(f"network {name} does not fit the core: {needs}; build a core with {wanted} or more")


def _grow(analysis: Analysis, cuts: Cuts, config: CoreConfig, field: str) -> CoreConfig:
    """The core with the least of one memory that does, found by halving, where the largest is known to do."""
    too_small = getattr(config, field)
    enough = min(2 * too_small, LARGEST_KIB)
    while enough < LARGEST_KIB and not find_plan(analysis, replace(config, **{field: enough}), cuts):
        too_small, enough = enough, min(2 * enough, LARGEST_KIB)
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        if find_plan(analysis, replace(config, **{field: middle}), cuts):
            enough = middle
        else:
            too_small = middle
    return replace(config, **{field: enough})
