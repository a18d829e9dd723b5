"""Table 2 of Scaled Quantization: 1/√15.25 by its quantised Newton method."""

import numpy as np

from .newton import iterates, newton_float
from .scaled import Scaled

INPUT = Scaled(np.array([122]), np.array([3]))
"""15.25, as the paper quantises it."""
PUBLISHED = {0: 1, 2: 5, 4: 12, 6: 25, 8: 33}
"""Y by iteration, as printed."""


def iterates_of_table2() -> list[tuple[int, int, float]]:
    """Return Y, its scale, and y of equation (9) in float64, for every iteration up to the last printed."""
    last = max(PUBLISHED)
    return [
        (int(y[0]), int(scale[0]), float(newton_float(INPUT.values, index)[0]))
        for index, (y, scale) in enumerate(iterates(INPUT, last))
    ]
