"""The core with an active-low reset."""

import re
from pathlib import Path

import pytest

from pointwise.hw.package.aresetn import WRAPPER
from pointwise.sim.bench import bench


@pytest.mark.slow
def test_the_reset_is_active_low_and_the_buses_go_through(files: dict[str, str]) -> None:
    sources = [files["pointwise_core.v"], files[f"{WRAPPER}.v"]]
    bench(sources, WRAPPER, Path(__file__).with_name("bench_aresetn.py"))


def test_it_has_the_ports_of_the_core_and_tells_tools_of_its_reset(files: dict[str, str]) -> None:
    port = re.compile(r"^  ((?:in|out)put) (?:wire )?(\[\d+:0\] )?(\w+)[;,]?$", re.MULTILINE)
    core = files["pointwise_core.v"]
    body = core[core.index("\nmodule pointwise_core(") :]
    inner = set(port.findall(body[: body.index("\nendmodule")]))
    outer = set(port.findall(files[f"{WRAPPER}.v"]))
    renamed = {("input", "", "clk"): ("input", "", "aclk"), ("input", "", "rst"): ("input", "", "aresetn")}
    assert outer == {renamed.get(found, found) for found in inner}
    for words in ("POLARITY ACTIVE_LOW", "XIL_INTERFACENAME aclk, ASSOCIATED_BUSIF m_axi:s_axil"):
        assert files[f"{WRAPPER}.v"].count(words) == 1
