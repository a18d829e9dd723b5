"""Additions of bytes of two scales, as the core does them: with a factor and a shift."""

from dataclasses import dataclass

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.graph import Quantisation
from pointwise.model.graph.ops.add import FACTORS, SHIFTS

CLOSE = 1e-6
"""Part by which a step may be less than the one that is wanted, which may come from a file in float32."""


@dataclass(frozen=True)
class SumPlan:
    """An addition of bytes: clamp((new + factor · old) >> shift).

    Attributes:
        new, old: names of what is added. factor, shift: of ``add_scaled``. made: quantisation of new, which
            has beside its own value what makes of the middle of old that of the sum.
        quantisation: of the sum.
    """

    new: str
    old: str
    factor: int
    shift: int
    made: Quantisation
    quantisation: Quantisation


def best_factor(old: float, wanted: float) -> tuple[int, int, float]:
    """Factor and shift with which a sum of steps ``old`` gets the least step that is at least ``wanted``.

    Steps are old · 2^shift / factor; from one to the next is an eighth to a quarter.

    Raises:
        PointwiseError: the two are too far apart.
    """
    choices = (
        (old * 2**shift / factor, factor, shift)
        for shift in range(SHIFTS[0], SHIFTS[1] + 1)
        for factor in range(FACTORS[0], FACTORS[1] + 1)
    )
    # Of equal steps the finer sum.
    good = [(step, -shift, factor) for step, factor, shift in choices if step >= wanted * (1 - CLOSE)]
    if not good:
        raise PointwiseError(
            f"the sum needs steps of {wanted:.3g}, more than {1 << SHIFTS[1]} times those of what is added "
            f"to ({old:.3g}); check the weights"
        )
    step, shift, factor = min(good)
    return factor, -shift, step
