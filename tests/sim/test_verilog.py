"""``pointwise verilog``: the folder that other flows take over."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.package import package
from pointwise.sim.cli import main
from pointwise.sim.cli.verilog import ABOUT
from pointwise.sim.system.testbench import core_verilog

SHAPE = {
    "rows": 1,
    "cols": 2,
    "max_tokens": 4,
    "act_kib": 1,
    "act_banks": 1,
    "res_kib": 1,
    "axi_data_width": 32,
}
CORE = CoreConfig(**SHAPE)
OPTIONS = [word for name, value in SHAPE.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def test_the_folder_holds_what_is_simulated_and_all_that_belongs_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verilog", *OPTIONS, "--out", str(tmp_path / "core")]) == 0
    said = capsys.readouterr().out
    files = package(CORE, core_verilog(CORE))
    assert {path.name: path.read_text() for path in (tmp_path / "core").iterdir()} == files
    for name in files:
        assert name in said
        assert any(name.endswith(ending) for ending in ABOUT)
    assert str(tmp_path / "core") in said.replace("\n", "")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["verilog", *OPTIONS, "--out", str(tmp_path / "file")]) == 1
    assert f"the folder {tmp_path / 'file'} cannot be made" in capsys.readouterr().err
