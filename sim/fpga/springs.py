"""A netlist as springs between its cells: where they come to rest, they lie close to what they talk to.

Quadratic placement, as in *GORDIAN* (Kleinhans et al., 1991), with a star for each larger net.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import cg
from threadpoolctl import threadpool_limits

LARGEST = 600
"""Pins from which a net says nothing about a place: clocks, resets, constants."""
CENTRE = 1e-4
"""How much a cell is drawn to the middle, so that what hangs on nothing has a place too."""


class Springs:
    """The springs of a netlist.

    Args:
        nets: cells of each net. cells: how many there are. middle: x and y of the FPGA's middle.

    Attributes:
        pull: (cells + stars,) how strongly each is pulled by all that it hangs on.
    """

    def __init__(self, nets: Sequence[Sequence[int]], cells: int, middle: tuple[float, float]) -> None:
        ends, others, weights, star = [], [], [], cells
        for pins in map(sorted, map(set, nets)):
            count = len(pins)
            if not 2 <= count <= LARGEST:
                continue
            if count <= 3:
                pairs = [(a, b) for place, a in enumerate(pins) for b in pins[:place]]
            else:
                pairs = [(pin, star) for pin in pins]
                star += 1
            ends += [a for a, _ in pairs]
            others += [b for _, b in pairs]
            weights += [(1 / (count - 1)) if count <= 3 else 1.0] * len(pairs)
        half = scipy.sparse.coo_matrix((weights, (ends, others)), (star, star))
        self._springs = (half + half.T).tocsr()
        self.pull = np.asarray(self._springs.sum(axis=1)).ravel()
        self._middle = np.array(middle)
        self._places = np.tile(self._middle, (star, 1))

    def relax(
        self, fixed: Mapping[int, tuple[float, float]], drawn: Mapping[int, tuple[float, float]], force: float
    ) -> np.ndarray:
        """Places of all cells at rest.

        Args:
            fixed: cells that stay where they are. drawn: cells that are drawn to a place as well, with
                ``force`` times the pull of what they hang on.

        Returns:
            (cells + stars, 2) x and y.
        """
        draw = np.full(len(self.pull), CENTRE)
        to = np.tile(self._middle, (len(self.pull), 1))
        for cell, place in drawn.items():
            draw[cell], to[cell] = force * self.pull[cell] + CENTRE, place
        is_free = np.ones(len(self.pull), bool)
        is_free[list(fixed)] = False
        free, held = np.flatnonzero(is_free), np.flatnonzero(~is_free)
        self._places[held] = [fixed[int(cell)] for cell in held]
        diagonal = self.pull[free] + draw[free]
        matrix = scipy.sparse.diags(diagonal) - self._springs[free][:, free]
        between = self._springs[free][:, held]
        # Several threads add in another order, and a placement would depend on the machine's processors.
        with threadpool_limits(1):
            for axis in (0, 1):
                towards = between @ self._places[held, axis] + draw[free] * to[free, axis]
                start, easier = self._places[free, axis], scipy.sparse.diags(1 / diagonal)
                self._places[free, axis], _ = cg(matrix, towards, x0=start, M=easier, rtol=1e-5, maxiter=400)
        return self._places.copy()
