"""A core that the tests of this folder share; making its Verilog takes seconds."""

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.package import package
from pointwise.hw.package.files import core_text

CORE = CoreConfig(
    rows=2,
    cols=2,
    max_tokens=8,
    act_kib=1,
    act_banks=1,
    res_kib=1,
    axi_data_width=64,
    axi_addr_width=20,
    axi_burst=4,
    stream_beats=16,
)


@pytest.fixture(scope="session")
def core() -> CoreConfig:
    return CORE


@pytest.fixture(scope="session")
def files() -> dict[str, str]:
    """What is written for that core."""
    return package(CORE, core_text(CORE))
