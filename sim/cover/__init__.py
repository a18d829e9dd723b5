"""Coverage of the hardware: lines and toggles as Verilator counts them, and cover points of what a core may
meet.

``points`` makes a module of SystemVerilog with a bit for each cover point, which a core's test bench has
where its simulator counts (``sim.build.COVERAGE``); ``counts`` reads what simulators counted; ``workload``
runs what is measured; ``report`` says what was not met, with the reasons that are known; ``python -m
pointwise.sim.cover`` does all of it.
"""

from .counts import Counts, read_counts
from .points import MODULE, PointSet, cover_points, module

__all__ = ["MODULE", "Counts", "PointSet", "cover_points", "module", "read_counts"]
