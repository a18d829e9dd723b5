"""Finding Verilator and a compiler, and the environment that completes a half-configured installation."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim import verilator
from pointwise.sim.verilator import Verilator, find_compiler, find_verilator, main


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of one folder that holds only perl and make."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("perl", "make"):
        (folder / tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CXX", raising=False)
    return folder


def script(path: Path, text: str) -> None:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_system_verilator_is_preferred_when_new_enough(bare_path: Path) -> None:
    script(bare_path / "verilator", "echo 'Verilator 5.036 2025-04-27 rev v5.036'")
    assert find_verilator() == Verilator(bare_path / "verilator", (5, 36), None)


@pytest.mark.parametrize(
    "output", ["echo 'Verilator 5.006 2023-01-22 rev v5.006'", "exit 3", "echo nonsense"]
)
def test_package_is_taken_when_system_verilator_will_not_do(bare_path: Path, output: str) -> None:
    script(bare_path / "verilator", output)
    found = find_verilator()
    assert found.root is not None
    assert found.executable == found.root / "bin" / "verilator"
    assert found.version >= verilator.MINIMUM_VERSION


def test_too_old_a_verilator_is_named(bare_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(bare_path / "verilator", "echo 'Verilator 5.006 2023-01-22 rev v5.006'")
    monkeypatch.setattr(verilator, "_packaged", lambda: None)
    with pytest.raises(PointwiseError, match=r"5\.036 or newer.*bin/verilator is 5\.006.*make setup"):
        find_verilator()


@pytest.mark.parametrize("tool", ["perl", "make"])
def test_missing_perl_or_make_is_named(bare_path: Path, tool: str) -> None:
    (bare_path / tool).unlink()
    with pytest.raises(PointwiseError, match=rf"^{tool} is not on PATH.*apt install {tool}"):
        find_verilator()


def test_compilers_are_found_in_order(bare_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PointwiseError, match=r"no C\+\+ compiler.*apt install g\+\+"):
        find_compiler()
    script(bare_path / "clang++", "exit 0")
    assert find_compiler() == "clang++"
    script(bare_path / "g++", "exit 0")
    assert find_compiler() == "g++"
    monkeypatch.setenv("CXX", "clang++ -v")
    assert find_compiler() == "clang++ -v"
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(PointwiseError, match="no-such-compiler"):
        find_compiler()


def test_environment_drops_what_an_outer_make_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAKEFLAGS", "k --jobserver-auth=3,4 -- OPT_FAST=-O0")
    monkeypatch.setenv("MAKELEVEL", "2")
    environment = find_verilator().environment("g++", {"OPT_FAST": "-O2 -g"})
    assert "jobserver" not in environment["MAKEFLAGS"]
    assert "-O0" not in environment["MAKEFLAGS"]
    assert r"OPT_FAST=-O2\ -g" in environment["MAKEFLAGS"]
    assert "MAKELEVEL" not in environment
    assert os.environ["MAKELEVEL"] == "2"


def test_ccache_is_used_where_it_is(bare_path: Path) -> None:
    known = Verilator(bare_path / "verilator", (5, 40), None)
    assert "OBJCACHE=" in known.environment("g++")["MAKEFLAGS"].split()
    script(bare_path / "ccache", "exit 0")
    assert f"OBJCACHE={bare_path / 'ccache'}" in known.environment("g++")["MAKEFLAGS"].split()
    assert "OBJCACHE=" in known.environment("ccache g++")["MAKEFLAGS"].split(), "not one behind the other"


def test_system_verilator_keeps_its_own_configuration() -> None:
    environment = Verilator(Path("/opt/verilator/bin/verilator"), (5, 40), None).environment("g++")
    assert "CFG_" not in environment["MAKEFLAGS"]
    assert "CXX=g++" in environment["MAKEFLAGS"].split()
    assert environment["PATH"].startswith("/opt/verilator/bin" + os.pathsep)


def test_design_of_several_files_with_its_own_clock_builds_and_runs(tmp_path: Path) -> None:
    """Compiled file by file the build needs precompiled headers; a delay in the Verilog needs coroutines."""
    (tmp_path / "square.sv").write_text(
        "module square(input logic clk, input logic [7:0] x, output logic [15:0] y);\n"
        "  always_ff @(posedge clk) y <= 16'(x) * 16'(x);\nendmodule\n"
    )
    (tmp_path / "bench.sv").write_text(
        "module bench;\n  logic clk = 0;\n  logic [7:0] x = 0;\n  logic [15:0] y;\n  always #5 clk = ~clk;\n"
        "  square dut (.*);\n  always @(posedge clk) begin\n    x <= x + 1;\n"
        '    if (x == 41) begin $display("y=%0d", y); $finish; end\n  end\nendmodule\n'
    )
    found = find_verilator()
    environment = found.environment(
        find_compiler(), {"OPT_FAST": "-O0", "OPT_GLOBAL": "-O0", "VM_PARALLEL_BUILDS": "1"}
    )
    build = [str(found.executable), "--binary", "--timing", "--top", "bench"]
    done = subprocess.run(
        [*build, "bench.sv", "square.sv"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "obj_dir").glob("*.gch"))) > 0
    run = subprocess.run([tmp_path / "obj_dir" / "Vbench"], capture_output=True, text=True, check=True)
    assert f"y={40 * 40}" in run.stdout


def test_a_command_runs_with_verilator_on_its_path(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["sh", "-c", "command -v verilator; exit 3"]) == 3
    assert capfd.readouterr().out.strip() == str(find_verilator().executable)
    assert main(["no-such-command"]) == 1
    assert "no-such-command cannot be run" in capfd.readouterr().err
    assert main([]) == 2
