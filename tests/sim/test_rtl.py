"""The behavioural SystemVerilog is free of warnings, at the ends of its parameters."""

import subprocess

import pytest

from pointwise.sim.build import CHECKERS, DRAM, RTL
from pointwise.sim.verilator import find_compiler, find_verilator


def lint(top, parameters):
    """What Verilator says of a module with every warning on, but for those that lint.vlt argues for."""
    verilator = find_verilator()
    command = [str(verilator.executable), "--lint-only", "-Wall", "--top-module", top, str(RTL / "lint.vlt")]
    command += [f"-G{name}={value}" for name, value in parameters.items()]
    command += [str(path) for path in (*CHECKERS, *DRAM)]
    environment = verilator.environment(find_compiler())
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("%")]


@pytest.mark.parametrize("width", [32, 512])
@pytest.mark.parametrize("address", [16, 64])
@pytest.mark.parametrize("top", ["axi_dram", "axi_checker"])
def test_bus_modules_have_no_warnings(top, width, address):
    assert lint(top, {"DATA_WIDTH": width, "ADDR_WIDTH": address, "ID_WIDTH": 5}) == (0, [])


@pytest.mark.parametrize("address", [8, 64])
def test_register_checker_has_no_warnings(address):
    assert lint("axil_checker", {"ADDR_WIDTH": address}) == (0, [])
