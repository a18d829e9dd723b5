"""Range methods: from the values that calibration images produce to the range that an integer must cover.

A method is one file with one class that follows ``RangeObserver``, and one entry in ``METHODS``.
"""

from hw.contract.errors import PointwiseError

from .base import RangeObserver
from .minmax import MinMax
from .mse import MeanSquaredError

METHODS: dict[str, type[RangeObserver]] = {"minmax": MinMax, "mse": MeanSquaredError}
"""The range methods by the name that ``quantise`` takes."""


def range_method(name: str) -> type[RangeObserver]:
    """Return the range method of that name.

    Raises:
        PointwiseError: there is none.
    """
    if name not in METHODS:
        raise PointwiseError(
            f"There is no calibration range method {name!r}; choose one of {', '.join(sorted(METHODS))}."
        )
    return METHODS[name]


__all__ = ["METHODS", "RangeObserver", "range_method"]
