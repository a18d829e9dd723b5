"""Springs between cells: what they come to rest at."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="install the extra fpga")
from threadpoolctl import threadpool_limits

from pointwise.sim.fpga.springs import Springs

CELLS = 30_000


def test_as_many_threads_as_there_are_make_the_same_places() -> None:
    """Sums in another order would move cells, and a placement would depend on the machine."""
    rng = np.random.default_rng(1)
    nets = [rng.integers(CELLS, size=int(rng.integers(2, 6))).tolist() for _ in range(CELLS)]
    found = []
    for threads in (1, 4):
        with threadpool_limits(threads):
            found.append(Springs(nets, CELLS, (50.0, 50.0)).relax({0: (0.0, 0.0), 1: (99.0, 9.0)}, {}, 0.0))
    assert np.array_equal(*found)
