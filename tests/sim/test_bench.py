"""The build cache and the bench runner, on a counter."""

import json
import multiprocessing
import re
import shutil
import time
import uuid
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.bench import BenchFailure, bench, run
from pointwise.sim.build import build, build_root, wave_format

BENCH = Path(__file__).with_name("bench_counter.py")
COUNTER = """
module counter #(parameter int WIDTH = 8, parameter string TITLE = "none")
    (input logic clk, input logic [3:0] step, output logic [WIDTH-1:0] count);
  logic [WIDTH-1:0] hidden;
  assign hidden = count ^ {WIDTH{1'b0}};
  string said;
  initial begin
    count = 0;
    if ($value$plusargs("say=%s", said)) $display("said %s by %s, %0d", said, TITLE, $test$plusargs("flag"));
`ifdef MARK
    $display("mark %0d", `MARK);
`endif
  end
  always_ff @(posedge clk) count <= hidden + WIDTH'(step);
endmodule
"""


@pytest.fixture(autouse=True)
def no_waves(monkeypatch):
    """These tests are about a run as it is without them."""
    monkeypatch.delenv("WAVES", raising=False)


@pytest.fixture
def new():
    """A Verilog text that nobody has built before, and whose builds are removed afterwards."""
    name = f"new_{uuid.uuid4().hex}"
    yield COUNTER.replace("module counter", f"module {name}"), name
    for path in (build_root() / "benches").glob(f"{name}-*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def play(testcase, **options):
    return bench([COUNTER], "counter", BENCH, testcase=rf"\.{testcase}$", **options)


def test_passes():
    result = play("counts", config={"step": 3})
    assert [(outcome.name, outcome.passed) for outcome in result.tests] == [("counts", True)]
    assert result.tests[0].simulated_ns == 100.0
    assert result.waves is None


def test_tells_why_a_test_failed_and_keeps_its_log():
    with pytest.raises(BenchFailure, match=r"fails: (.|\n)*the count is not what this test wants") as failure:
        play("fails")
    log = Path(re.search(r"\(see (.*)\)", str(failure.value))[1])
    assert "the count is not what this test wants" in log.read_text()


def test_one_failure_among_passing_tests_is_a_failure():
    with pytest.raises(BenchFailure, match="fails: ") as failure:
        play("(counts|fails)", config={"step": 1})
    assert "counts: " not in str(failure.value)


def test_stops_a_bench_that_hangs():
    # A busy machine takes some seconds to begin the test that hangs.
    for timeout in (2, 5, 15, 45):
        started = time.monotonic()
        with pytest.raises(BenchFailure, match=f"stopped after {timeout} s of real time") as failure:
            play("hangs", timeout=timeout)
        assert time.monotonic() - started < timeout + 45
        if "counter.hangs" in str(failure.value):
            break
    else:
        raise AssertionError("the test that hangs did not begin")


def test_tells_when_the_simulator_dies():
    with pytest.raises(BenchFailure, match="no test ran, or the simulator ended before cocotb did"):
        play("dies")


def test_no_test_is_a_failure():
    with pytest.raises(BenchFailure, match="no test ran"):
        play("absent")


def test_gives_plusargs_configuration_environment_and_seed():
    options = {
        "plusargs": {"say": "this", "flag": True, "other": None},
        "config": {"a": [1, "b"]},
        "environment": {"A_VARIABLE": "value"},
        "parameters": {"TITLE": "Counter"},
        "defines": {"MARK": "42"},
    }
    first = play("surroundings", **options)
    assert "said this by Counter, 1" in first.log
    assert "mark 42" in first.log
    inside = re.search("inside: (.*)", first.log)[1]
    assert inside.startswith("{'a': [1, 'b']} value ")
    assert f"inside: {inside}" in play("surroundings", **options).log
    assert f"inside: {inside}" not in play("surroundings", seed=2, **options).log


def test_takes_a_module_by_name():
    result = bench([COUNTER], "counter", "tests.sim.bench_counter", testcase="counts", config={"step": 1})
    assert result.tests[0].passed


def test_lean_shows_the_ports_and_nothing_else():
    with pytest.raises(BenchFailure, match="hidden"):
        play("looks_inside")
    play("looks_inside", lean=False)


def test_writes_waves(monkeypatch):
    monkeypatch.setenv("WAVES", "1")
    waves = play("counts", config={"step": 1}).waves
    assert waves is not None
    assert waves.name == f"dump.{wave_format()}"
    if wave_format() == "vcd":
        assert "count" in waves.read_text()
    else:
        assert waves.stat().st_size > 100
    shutil.rmtree(waves.parent)
    monkeypatch.setenv("WAVES", "0")
    assert play("counts", config={"step": 1}).waves is None


def test_same_sources_are_built_once_and_others_apart(new, tmp_path):
    text, top = new
    file = tmp_path / "counter.sv"
    file.write_text(text)
    first = build([file], top)
    stamp = first.executable.stat().st_mtime_ns
    again = build([file], top)
    assert again == first
    assert again.executable.stat().st_mtime_ns == stamp
    run(again, BENCH, testcase="counts", config={"step": 1})
    file.write_text(text.replace("hidden + WIDTH", "hidden - WIDTH"))
    other = build([file], top)
    assert other.directory != first.directory
    with pytest.raises(BenchFailure):
        run(other, BENCH, testcase="counts", config={"step": 1})


def test_half_made_build_is_made_again(new):
    text, top = new
    first = build([text], top)
    (first.directory / "done.json").unlink()
    first.executable.write_text("broken")
    again = build([text], top)
    run(again, BENCH, testcase="counts", config={"step": 1})
    assert list((again.directory / "runs").iterdir()) == []
    assert json.loads((again.directory / "done.json").read_text())["top"] == top


def _build_in_process(text, top, results):
    results.put(build([text], top).executable.stat().st_mtime_ns)


def test_processes_share_one_build(new):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    processes = [context.Process(target=_build_in_process, args=(*new, results)) for _ in range(2)]
    for process in processes:
        process.start()
    stamps = {results.get(timeout=120) for _ in processes}
    for process in processes:
        process.join()
    assert len(stamps) == 1


def test_bad_verilog_is_told_in_one_sentence():
    with pytest.raises(PointwiseError, match=r"of broken could not be built: %Error: .*syntax error"):
        build(["module broken(input clk; endmodule"], "broken")
    with pytest.raises(PointwiseError, match=r"source /nowhere/x.sv cannot be read: No such file"):
        build([Path("/nowhere/x.sv")], "x")
