"""Views of waves: every signal in them is in the waves, under the name that viewers know it by."""

import re
from pathlib import Path

import pytest

import pointwise as pw
from pointwise.hw.contract.registers import Cause
from pointwise.sim.docs.waves import inside
from pointwise.sim.docs.waves.trace import declarations, sampled
from pointwise.sim.system.run import run_core
from pointwise.sim.system.testbench import core_verilog, for_waves
from pointwise.sim.system.views import CORE, VIEWS, declared

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def waves() -> Path:
    return inside.waves()


def test_every_signal_of_the_view_is_in_the_waves(waves: Path) -> None:
    there = declarations(waves)
    shown = [f"{CORE}.{signal.path}" for signals in VIEWS.values() for signal in signals]
    assert len(shown) == len(set(shown)) > 80
    assert set(shown) <= there.keys()
    save, commands = waves.with_suffix(".gtkw").read_text(), waves.with_suffix(".sucl").read_text()
    assert re.findall(r"^(core_tb\.[\w.]+)", save, re.MULTILINE) == ["core_tb.clk", *shown]
    assert re.findall(r"^variable_add (.*)$", commands, re.MULTILINE) == ["core_tb.clk", *shown]


def test_widths_are_those_of_the_waves(waves: Path) -> None:
    save = waves.with_suffix(".gtkw").read_text()
    vectors = re.findall(r"^(core_tb\S+)\[(\d+):0\]$", save, re.MULTILINE)
    written = {name: int(bits) + 1 for name, bits in vectors}
    variable = re.compile(r"\$var \w+ (\d+) \S+ (\w+)")
    widths: dict[str, set[int]] = {}
    for bits, name in variable.findall(waves.read_text()):
        widths.setdefault(name, set()).add(int(bits))
    assert len(written) > 30
    assert all(width in widths[name.rpartition(".")[2]] for name, width in written.items())


def test_groups_begin_and_end(waves: Path) -> None:
    save = waves.with_suffix(".gtkw").read_text()
    assert re.findall(r"^-(.*)$", save, re.MULTILINE) == [title for title in VIEWS for _ in range(2)]
    assert f'[dumpfile] "{waves}"' in save


def test_values_have_names(waves: Path) -> None:
    save = waves.with_suffix(".gtkw").read_text()
    files = set(re.findall(r"^\^\d+ (.*)$", save, re.MULTILINE))
    assert {Path(file).name for file in files} == {
        *("cause.txt", "error.txt", "prologue.txt", "register.txt", "resp.txt")
    }
    lines = waves.with_name("cause.txt").read_text().splitlines()
    assert lines == [f"{cause.value:03b} {cause.name}" for cause in Cause]
    seen = sampled(waves, "core_tb.clk", {"cause": f"{CORE}.engine.token_issue.cause"})["cause"]
    assert {Cause.STREAM, Cause.TILE, Cause.DEPEND, Cause.IDLE} <= set(seen)


def test_numbered_wires_are_left_out(waves: Path) -> None:
    assert not [name for name in declarations(waves) if name.rpartition(".")[2].startswith(("$", "_$"))]
    verilog = core_verilog(inside.CONFIG)
    assert re.search(r"wire (\[\d+:0\] )?\\\$\d+ ", verilog) and "\\conv.k " in verilog
    changed = for_waves(verilog)
    assert not re.search(r"\\\$\d", changed) and "\\conv__k " in changed
    # Nothing has got the name of something else.
    assert len(set(re.findall(r"\\\S+", verilog))) == len(set(re.findall(r"\\\S+", changed)))
    assert declared(changed)["engine.streamer.conv__k"] == 16


def test_waves_are_written_where_they_are_asked_for() -> None:
    compiled = pw.compile(inside.network(), inside.CONFIG)
    block = bytes(compiled.manifest["input"]["bytes"])
    assert run_core(inside.simulator(), compiled, [block], waves=False).waves is None
