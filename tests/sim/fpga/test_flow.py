"""The order of the flow's stages and what becomes of failures, with made-up tools instead of real ones."""

import io
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest
from rich.console import Console

from pointwise.hw.boards.board import BOARDS
from pointwise.hw.boards.system import System
from pointwise.hw.contract.config import PRESETS
from pointwise.hw.contract.errors import Interrupted, PointwiseError
from pointwise.model.parallel import Here, Job, Local
from pointwise.model.parallel.here import settle
from pointwise.sim.cli.bitstream import command
from pointwise.sim.fpga.flow import build

YOSYS = """
import json, pathlib, sys
if "-V" in sys.argv: print("Yosys 1.2"); sys.exit()
with open("runs", "a") as file: file.write("yosys ")
print("2.1. Executing PROC pass (made up).")
cells = {"pointwise_core": {"type": "$scopeinfo", "connections": {}}}
cells |= {f"pointwise_core.{i}": {"type": "LUT4", "connections": {}} for i in range(256)}
top = {"attributes": {"top": "1"}, "cells": cells, "netnames": {}, "ports": {}}
pathlib.Path("mapped.json").write_text(json.dumps({"modules": {"soc": top}}))
"""
NEXTPNR = """
import json, os, pathlib, sys, time
if "--version" in sys.argv: print("nextpnr 3.4"); sys.exit()
given = dict(zip(sys.argv, sys.argv[1:]))
seed = int(given["--seed"])
if seed == 13: print("Info: fine\\nERROR: no place for 'x'"); sys.exit(1)
if seed == 16: os.kill(os.getpid(), 9)
if seed == 17: pathlib.Path("started").touch(); time.sleep(60)
clock = {"achieved": 90.0 + seed, "constraint": 100.0}
ends = {"from": {"cell": "a", "port": "Q"}, "to": {"cell": "b", "port": "D"}}
path = {"from": "posedge clk", "to": "posedge clk", "path": [
    {"type": "clk-to-q", "delay": 0.5, **ends}, {"type": "routing", "delay": 8.25, **ends}]}
far = path | {"to": "negedge slow", "path": [path["path"][0], {"type": "routing", "delay": 9.0, **ends}]}
if seed == 14: far["path"][1]["delay"] = 10.0
near = far | {"to": "posedge slow", "path": far["path"][:1]}
pad = path | {"from": "<async>"}
if seed == 9: clock["achieved"] = 99.9951
report = {"fmax": {"clk": clock, "slow": {"achieved": 99.0, "constraint": 25.0}}}
report["critical_paths"] = [path, far, near, pad]
if seed == 18: report["fmax"] = {}
text = json.dumps(report)
pathlib.Path(given["--report"]).write_text(text[:99] if seed == 15 else text)
pathlib.Path(given["--textcfg"]).write_text(f"seed {seed}")
"""
ECPPACK = """
import pathlib, sys
given = dict(zip(sys.argv, sys.argv[1:]))
pathlib.Path(given["--bit"]).write_text("bits of " + pathlib.Path(given["--input"]).read_text())
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs ``build`` with the tools above, on a system that nobody elaborated."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in {"yosys": YOSYS, "nextpnr-ecp5": NEXTPNR, "ecppack": ECPPACK}.items():
        (tools / name).write_text(f"#!{sys.executable}\n{text}")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))

    def elaborate(board, config, clock_mhz, folder) -> System:
        gateware = folder / "gateware"
        gateware.mkdir(parents=True, exist_ok=True)
        source = gateware / "pointwise_soc.v"
        stamp = f"// Date: {time.monotonic()}\n/* in any\norder: {time.monotonic()} */\n"
        source.write_text(f"{stamp}module pointwise_soc{clock_mhz:.0f}; endmodule\n")
        constraints = gateware / "pointwise_soc.lpf"
        constraints.write_text("FREQUENCY")
        host = folder / "board.json"
        return System(board, config, clock_mhz, folder, gateware, (source,), constraints, host)

    module = types.ModuleType("pointwise.hw.boards.elaborate")
    module.elaborate = elaborate
    monkeypatch.setitem(sys.modules, "pointwise.hw.boards.elaborate", module)

    def run(board: str = "ulx3s-85f", **options) -> tuple[Path | None, dict, str]:
        text = io.StringIO()
        values = {"clock_mhz": 100.0, "native": True, "console": Console(file=text, width=200)} | options
        bitstream = build(BOARDS[board], PRESETS["ecp5"], tmp_path / "out", **values)
        return bitstream, json.loads((tmp_path / "out" / "report.json").read_text()), text.getvalue()

    return run


def test_the_best_seed_is_kept(flow):
    bitstream, report, text = flow(seeds=(10, 12, 11), executor=Local(2))
    assert bitstream.read_text() == "bits of seed 12"
    assert report["seed"] == 12 and report["timing_met"] and report["bitstream"] == bitstream.name
    assert [entry["seed"] for entry in report["seeds"]] == [12, 11, 10]
    assert report["clocks"]["clk"] == {"reached_mhz": 102.0, "asked_mhz": 100.0}
    assert report["critical_paths"][0] | {"ns": 8.75, "routing_ns": 8.25} == report["critical_paths"][0]
    assert report["lut4_per_mac"] == 2.0
    assert report["tools"] == {"yosys": "Yosys 1.2", "nextpnr-ecp5": "nextpnr 3.4"}
    assert text.index("synthesis (") < text.index("place and route, seed 10 (") < text.index("102.0 MHz")
    assert not list(bitstream.parent.rglob("*.config"))
    assert (bitstream.parent / "place-10.log").exists()


def test_failed_timing_leaves_a_report_and_no_bitstream(flow, tmp_path):
    flow(seeds=(12,))
    with pytest.raises(PointwiseError, match=r"clk reaches 93\.0 of 100\.0 MHz with seed 3.*--clock 92"):
        flow(seeds=(3, 2))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert not report["timing_met"] and report["bitstream"] is None
    assert not list(tmp_path.rglob("*.bit")), "not even that of the build before"


def test_ways_between_clocks_count(flow):
    _, report, text = flow(seeds=(12,))
    assert report["crossings"] == {"clk → slow": {"ns": 9.5, "allowed_ns": 10.0}}
    assert "clk → slow" in text and "NOT MET" not in text
    with pytest.raises(PointwiseError, match=r"clk → slow takes 10\.5 of 10\.0 ns with seed 14.*--clock 94"):
        flow(seeds=(14,))


def test_failed_timing_can_be_allowed_and_is_told_all_the_same(flow, tmp_path):
    with pytest.raises(PointwiseError, match="written all the same"):
        flow(seeds=(3,), allow_failing_timing=True)
    assert (tmp_path / "out" / "pointwise.bit").read_text() == "bits of seed 3"
    assert not json.loads((tmp_path / "out" / "report.json").read_text())["timing_met"]


def test_clocks_are_judged_before_they_are_rounded(flow, tmp_path):
    with pytest.raises(PointwiseError, match="timing is not met"):
        flow(seeds=(9,))
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["clocks"]["clk"]["reached_mhz"] == 100.0


def runs(folder: Path) -> int:
    """How often Yosys ran."""
    return len((folder / "out" / "gateware" / "runs").read_text().split())


def test_other_seeds_do_not_synthesise_again(flow, tmp_path):
    flow(seeds=(12,))
    flow(seeds=(11,))
    assert runs(tmp_path) == 1


def test_another_source_is_synthesised(flow, tmp_path):
    flow(seeds=(12,))
    flow(seeds=(12,), clock_mhz=50.0)
    assert runs(tmp_path) == 2


def test_another_family_is_synthesised(flow, tmp_path):
    flow(seeds=(12,))
    flow("xc7k70t")
    assert runs(tmp_path) == 2


def test_another_yosys_synthesises(flow, tmp_path):
    flow(seeds=(12,))
    yosys = tmp_path / "tools" / "yosys"
    yosys.write_text(yosys.read_text().replace("Yosys 1.2", "Yosys 1.3"))
    flow(seeds=(12,))
    assert runs(tmp_path) == 2


def test_a_damaged_netlist_is_told_and_made_again(flow, tmp_path):
    flow(seeds=(12,))
    mapped = tmp_path / "out" / "gateware" / "mapped.json"
    mapped.write_text(mapped.read_text()[:100])
    with pytest.raises(PointwiseError, match=r"mapped\.json is not a netlist of Yosys.*build it again"):
        flow(seeds=(12,))
    flow(seeds=(12,))
    assert runs(tmp_path) == 2


def test_a_seed_that_fails_leaves_the_others(flow):
    bitstream, report, text = flow(seeds=(13, 12, 15), executor=Local(2))
    assert bitstream.read_text() == "bits of seed 12"
    assert set(report["failed_seeds"]) == {"13", "15"}
    assert "seed 13: place and route failed: ERROR: no place" in text


class Elsewhere:
    """Does parts as a machine that shares no folder with this one: files come as copies under other paths."""

    workers = 1

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, job: Job, parts: dict[str, int], tell=lambda name, text: None):
        for path in job.files:
            shutil.copy(path, self.folder)
        settle(Here(places={path: self.folder / path.name for path in job.files}))
        try:
            work = job.make()
            yield from ((name, work(part)) for name, part in parts.items())
        finally:
            settle(Here())


def test_a_configuration_comes_back_from_a_machine_that_shares_no_folder(flow, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    bitstream, report, text = flow(seeds=(10, 12, 13), executor=Elsewhere(other))
    assert bitstream.read_text() == "bits of seed 12"
    assert [entry["seed"] for entry in report["seeds"]] == [12, 10]
    assert "seed 13: place and route failed" in text
    assert not list((tmp_path / "out").glob("place-*.log")), "nothing was placed here"


def test_nothing_of_an_earlier_build_is_left_when_one_fails(flow, tmp_path):
    flow(seeds=(12,))
    with pytest.raises(PointwiseError):
        flow(seeds=(13,))
    assert not list(tmp_path.rglob("*.bit")) and not (tmp_path / "out" / "report.json").exists()


def test_who_waits_for_another_build_is_told(flow, tmp_path):
    """In a process of its own, since a process does not lock itself out."""
    hold = "import pathlib, time, pointwise.sim.build as b\n"
    hold += f"with b.locked(pathlib.Path({str(tmp_path / 'out')!r})):"
    hold += "\n print(flush=True)\n time.sleep(1)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert "another build is at work" in flow(seeds=(12,))[2]


def test_an_interrupt_ends_the_tools(flow, tmp_path):
    """What Ctrl-C raises comes in the thread that waits for the seeds, while the tool works in another."""
    started = tmp_path / "out" / "gateware" / "started"

    def interrupt() -> None:
        while not started.exists():
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    begun = time.monotonic()
    threading.Thread(target=interrupt).start()
    with pytest.raises(Interrupted):
        flow(seeds=(17,))
    assert time.monotonic() - begun < 30


def test_an_interrupted_build_goes_on_with_the_missing_seeds(flow, tmp_path):
    started, log = tmp_path / "out" / "gateware" / "started", tmp_path / "out" / "place-12.log"

    def interrupt() -> None:
        while not started.exists():
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(Interrupted, match=r"^1 of 2 parts are done"):
        flow(seeds=(12, 17))
    placed = log.stat().st_mtime_ns
    bitstream, report, _ = flow(seeds=(12, 11))
    assert bitstream.read_text() == "bits of seed 12"
    assert [entry["seed"] for entry in report["seeds"]] == [12, 11]
    assert log.stat().st_mtime_ns == placed
    flow(seeds=(12,))
    assert log.stat().st_mtime_ns != placed, "a build that is done leaves nothing to go on from"


def test_a_board_of_xilinx_ends_with_the_vendors_script(flow):
    bitstream, report, text = flow("xc7k70t")
    assert bitstream is None and "clocks" not in report
    assert "pointwise_soc.tcl" in text


def test_a_tool_that_fails_is_quoted(flow):
    with pytest.raises(PointwiseError, match=r"route failed: ERROR: no place for 'x'.*place-13\.log"):
        flow(seeds=(13,))


def test_a_board_without_an_fpga_is_refused():
    with pytest.raises(PointwiseError, match=r"'simulation' is unknown; there are ulx3s-85f, xc7k70t$"):
        command(board="simulation")


@pytest.mark.parametrize(
    ("seed", "says"),
    [
        (15, r"nextpnr's report .*place-15\.json is damaged"),
        (16, "place and route was ended by SIGKILL, perhaps for want of memory.*--workers 1"),
        (18, "nextpnr found no clock"),
    ],
)
def test_a_tool_that_breaks_off_is_told(flow, seed, says):
    with pytest.raises(PointwiseError, match=says):
        flow(seeds=(seed,))


@pytest.mark.parametrize("tool", ["yosys", "nextpnr-ecp5", "ecppack"])
def test_a_tool_that_is_missing_is_named_at_once(flow, tmp_path, tool):
    (tmp_path / "tools" / tool).unlink()
    with pytest.raises(PointwiseError, match=rf"{tool} is not on the PATH.*--native"):
        flow()
    assert not (tmp_path / "out").exists()
