"""Range methods: from the values that calibration images produce to the range that an integer must cover.

A method is one file with one class that follows ``RangeObserver``, and one entry in ``METHODS``. One of
your own
needs no entry: ``package.module:Class`` names it as well.
"""

from ..registry import find
from .base import RangeObserver
from .kl import KullbackLeibler
from .minmax import MinMax
from .moving_average import MovingAverage
from .mse import MeanSquaredError
from .percentile import Percentile

METHODS: dict[str, type[RangeObserver]] = {
    "minmax": MinMax,
    "moving_average": MovingAverage,
    "percentile": Percentile,
    "kl": KullbackLeibler,
    "mse": MeanSquaredError,
}
"""The range methods by the name that a recipe gives them."""


def range_method(name: str) -> type[RangeObserver]:
    """Return the range method of that name, or the class that ``package.module:Class`` names.

    Raises:
        PointwiseError: there is none.
    """
    return find(name, METHODS, "calibration range method")


__all__ = ["METHODS", "RangeObserver", "range_method"]
