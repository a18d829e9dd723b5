"""The systems for boards: what is written for the tools and for the host. Needs the extra ``fpga``."""

import dataclasses
import json
import math
import re
from pathlib import Path

import pytest

from pointwise.hw.boards.board import BOARDS, find_board
from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from tests.slow import few

SMALL = CoreConfig(rows=2, cols=2, max_tokens=8, act_kib=1, act_banks=1, res_kib=1, axi_data_width=64)
SYSTEMS = [*((name, board.clock_mhz) for name, board in BOARDS.items()), ("xc7k70t", 50.0)]
"""Each board at its own clock, and one whose controller has the clock of the SDRAM."""


def test_an_unknown_board_is_told_with_those_there_are():
    with pytest.raises(PointwiseError, match=r"'nexys'.*ulx3s-85f"):
        find_board("nexys")


def test_boards_name_presets_and_themselves():
    for name, board in BOARDS.items():
        assert board.name == name
        assert board.preset in PRESETS


@pytest.fixture(
    scope="module", params=few(SYSTEMS, SYSTEMS[:1]), ids=lambda system: f"{system[0]}, {system[1]:g} MHz"
)
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    pytest.importorskip("litex")
    from pointwise.hw.boards.elaborate import elaborate

    name, clock_mhz = request.param
    return elaborate(BOARDS[name], SMALL, clock_mhz, tmp_path_factory.mktemp(name))


def test_the_core_is_in_the_system_with_all_its_pins(system):
    top, core = (path.read_text() for path in system.verilog)
    ports = set(re.findall(r"^\s+(?:input|output).*?(\w+);", core.partition("endmodule")[0], re.MULTILINE))
    instance = re.search(r"^pointwise_core pointwise_core\((.*?)\);", top, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"\.(\w+)\s*\(", instance[1])) == ports


def test_what_litex_says_is_in_the_log(system):
    assert "pointwise" in (system.folder / "elaborate.log").read_text()


def test_pins_and_clocks_are_constrained(system):
    if system.board.family == "none":
        assert system.constraints is None
        return
    text = system.constraints.read_text()
    assert "serial" in text and "sdram" in text
    if system.board.family == "ecp5":
        assert re.search(r'FREQUENCY PORT "clk25" 25\.0 MHz', text)
    else:
        assert "create_clock" in text
        assert system.constraints.with_suffix(".tcl").exists(), "the vendor's script"


def test_the_simulated_system_has_no_primitive_of_a_vendor(system):
    if system.board.family != "none":
        pytest.skip("a board has them")
    top = system.verilog[0].read_text()
    names = set(re.findall(r"^(\w+) (?:#\(|\w+\s*\()", top, re.MULTILINE)) - {"module", "if", "case"}
    assert names == {"pointwise_core"}


def test_the_host_file_says_how_to_bring_the_memory_up(system):
    host = json.loads(system.host.read_text())
    assert CoreConfig.from_dict(host["core"]) == SMALL
    assert host["clock_hz"] == system.clock_mhz * 1_000_000
    assert host["sdram_bytes"] == {"xc7k70t": 16 << 20}.get(system.board.name, 32 << 20)
    writes = host["sdram_init"]
    control = writes[0]["address"]
    names = {0: "control", 4: "command", 8: "issue", 12: "address", 16: "bank"}
    # JEDEC: clock enable and a pause, precharge, mode, precharge, two refreshes, mode; then the controller.
    steps, address = [], None
    for write in writes:
        name = names[write["address"] - control]
        if name == "address":
            address = write["value"]
        if name == "command":
            steps.append((write["value"] & 0xE, address))
        if name == "control":
            steps.append(("control", write["value"]))
    precharge, mode, refresh = 0x8 | 0x2, 0x8 | 0x4 | 0x2, 0x8 | 0x4
    assert steps[:2] == [("control", 0xE)] * 2
    assert [step for step, _ in steps[2:-1]] == [precharge, mode, precharge, refresh, refresh, mode]
    assert steps[2][1] == 1 << 10, "all banks"
    # The simulation is at half rate at any clock, a board only at high ones.
    pairs = system.board.family == "none" or system.clock_mhz > 65
    assert steps[-2][1] == 2 << 4 | pairs, "read latency 2, bursts of one word or of two"
    assert steps[-1] == ("control", 1), "the controller takes over"
    assert max(write["wait_us"] for write in writes) >= 200


@pytest.mark.parametrize(
    ("name", "clock_mhz", "config", "says"),
    [
        ("ulx3s-85f", math.nan, SMALL, "a clock of nan MHz is none"),
        ("ulx3s-85f", -5.0, SMALL, "a clock of -5 MHz is none"),
        ("ulx3s-85f", 4.0, SMALL, "SDRAM of ulx3s-85f cannot have 4 MHz"),
        ("ulx3s-85f", 150.0, SMALL, "SDRAM of ulx3s-85f cannot have 150 MHz"),
        ("xc7k70t", 1000.0, SMALL, "of xc7k70t cannot have 1000 MHz"),
        ("ulx3s-85f", 50.0, dataclasses.replace(SMALL, axi_addr_width=16), "16 bits.*axi_addr_width as 32"),
    ],
)
def test_what_no_board_can_have_is_refused(tmp_path: Path, name, clock_mhz, config, says):
    pytest.importorskip("litex")
    from pointwise.hw.boards.elaborate import elaborate

    with pytest.raises(PointwiseError, match=says):
        elaborate(BOARDS[name], config, clock_mhz, tmp_path)


@pytest.mark.slow
def test_the_clock_that_the_pll_makes_is_told(tmp_path: Path):
    """The ULX3S makes none of 130 MHz, but one within a hundredth of it, at which the SDRAM reads slower."""
    pytest.importorskip("litex")
    from pointwise.hw.boards.elaborate import elaborate

    system = elaborate(BOARDS["ulx3s-85f"], SMALL, 130.0, tmp_path)
    assert system.clock_mhz == 131.25
    host = json.loads(system.host.read_text())
    assert host["clock_hz"] == 131_250_000
    assert 3 << 4 | 1 in [write["value"] for write in host["sdram_init"]], "read latency 3 above 100 MHz"


def test_a_clock_that_no_pll_makes_is_refused(tmp_path: Path):
    pytest.importorskip("litex")
    from pointwise.hw.boards.elaborate import elaborate

    board = BOARDS["ulx3s-85f"]
    says = rf"PLL of {board.name} cannot have 5000 MHz.*such as {board.clock_mhz:g}$"
    with pytest.raises(PointwiseError, match=says):
        elaborate(board, SMALL, 5000.0, tmp_path)
