"""The register header and the SystemRDL say what the contract says."""

from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_WORDS, MAGIC, VERSION, shape_word
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import ERROR_TEXT, Cause, Error, Register
from pointwise.hw.package.c_header import HEADER
from pointwise.hw.package.register_map import Access, register_map
from pointwise.hw.package.system_rdl import RDL
from tests.hw.package.c_compiler import compile_c


@pytest.fixture(scope="module")
def folder(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("registers")
    for name in (HEADER, RDL, "pointwise.h"):
        (path / name).write_text(files[name])
    return path


def test_the_header_has_every_number_of_the_contract(folder: Path, core: CoreConfig, tmp_path: Path) -> None:
    expected = {f"REG_{r.name}": r for r in Register if r is not Register.CAUSES}
    expected |= {f"REG_CAUSES_{cause.name}": Register.CAUSES + 4 * cause for cause in Cause}
    expected |= {f"ERROR_{error.name}": error for error in Error}
    expected |= {f"WINDOW_{base.name}": base for base in Base}
    expected |= {
        f"IMAGE_{name.upper()}": 4 * word for word, name in enumerate(HEADER_WORDS) if "reser" not in name
    }
    expected |= {"MAGIC": MAGIC, "VERSION": VERSION, "CORE_SHAPE": shape_word(core)}
    expected |= {
        f"CORE_{name.upper()}": getattr(core, name) for name in ("max_tokens", "act_words", "res_words")
    }
    expected |= {
        "CONTROL_START": 1,
        "CONTROL_INTERRUPT_ENABLE": 2,
        "CONTROL_CLEAR": 4,
        "INTERRUPT_PENDING": 1,
    }
    expected |= {"STATUS_BUSY": 1, "STATUS_DONE": 2, "STATUS_ERROR": 4, "STATUS_CODE": 0xFF00}
    expected |= {"STATUS_CODE_SHIFT": 8, "CAUSE_COUNT": len(Cause), "WINDOW_COUNT": len(Base)}
    source = tmp_path / "numbers.c"
    lines = [f'_Static_assert(POINTWISE_{name} == {value:d}, "{name}");' for name, value in expected.items()]
    source.write_text("\n".join(['#include "pointwise.h"', *lines, ""]))
    compile_c(tmp_path / "numbers.o", folder, [source], "-c")


def test_tools_read_the_systemrdl(folder: Path, core: CoreConfig) -> None:
    systemrdl = pytest.importorskip("systemrdl", reason="install the extra dev for systemrdl-compiler")
    compiler = systemrdl.RDLCompiler()
    compiler.compile_file(str(folder / RDL))
    top = compiler.elaborate().top
    entries = register_map(core)
    found = {register.inst_name: register for register in top.registers()}
    assert set(found) == {entry.name for entry in entries}
    for entry in entries:
        register = found[entry.name]
        assert register.absolute_address == entry.address
        fields = {field.inst_name: field for field in register.fields()}
        assert [(field.low, field.high - field.low + 1) for field in fields.values()] == [
            (field.low, field.width) for field in entry.fields
        ]
        assert sum(field.get_property("reset") << field.low for field in fields.values()) == entry.reset
        for field in entry.fields:
            seen = fields[field.name]
            writable = field.access is not Access.READ
            readable = field.access is not Access.PULSE
            assert (seen.is_sw_writable, seen.is_sw_readable) == (writable, readable), (
                entry.name,
                field.name,
            )
    codes = found["STATUS"].get_child_by_name("CODE").get_property("encode")
    assert {code.name: (code.value, code.rdl_desc) for code in codes} == {
        error.name: (error.value, ERROR_TEXT[error]) for error in Error
    }
