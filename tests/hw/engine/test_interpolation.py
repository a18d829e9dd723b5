"""Both reciprocals in one simulator; the inputs of the plain one are shared by several copies."""

from pathlib import Path

from pointwise.hw.engine.interpolation import PiecewiseLinearReciprocal
from pointwise.hw.verilog import to_verilog
from pointwise.model.integer.interpolation import RECIPROCAL_INPUT_BITS, RSQRT_INPUT_BITS
from pointwise.sim.bench import bench
from tests.hw.side_by_side import SideBySide

COPIES = 8


def test_interpolation():
    units = {
        f"reciprocal{i}": PiecewiseLinearReciprocal(RECIPROCAL_INPUT_BITS, square_root=False)
        for i in range(COPIES)
    }
    units["root"] = PiecewiseLinearReciprocal(RSQRT_INPUT_BITS, square_root=True)
    verilog = to_verilog(SideBySide(units), "interpolations")
    module = Path(__file__).with_name("bench_interpolation.py")
    bench([verilog], "interpolations", module, config={"reciprocals": COPIES})
