"""Verilator's coverage files are read, added up, and names are as they were written."""

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.cover.counts import WIDEST, Counts, plain, read_counts


def line(page: str, point: str, times: int, **more: str) -> str:
    fields = {"f": "x.sv", "l": "3", "n": "7", "page": page, "o": point, **more}
    return "C '" + "".join(f"\1{name}\2{value}" for name, value in fields.items()) + f"' {times}"


def test_what_simulators_counted_is_added_up_by_unit(tmp_path):
    paths = [tmp_path / "a.dat", tmp_path / "b.dat"]
    for path, times in zip(paths, (2, 3), strict=True):
        rows = [
            line("v_toggle/pointwise_core", "busy:0->1", times),
            line("v_line/pointwise_core", "if", times),
        ]
        path.write_text("\n".join(["# SystemC::Coverage-3", *rows]) + "\n")
    counts = read_counts(paths)
    assert counts.toggles == {("pointwise_core", "busy:0->1"): 5}
    assert counts.lines == {("pointwise_core", "3:7 if"): 5}


def test_names_are_decoded_and_lose_their_numbers():
    assert plain("windows___05F1__024268___05Fbytes") == "windows__1__bytes"
    assert plain("core.crc$50") == "core.crc"


def test_branches_that_yosys_puts_in_do_not_count(tmp_path):
    source = tmp_path / "core.sv"
    source.write_text("module x;\n  if (\\_$auto$verilog_backend.cc:2355 ) begin end\n  if (a) begin end\n")
    counts = Counts()
    for number in ("2", "3"):
        counts.add(line("v_line/pointwise_core", "if", 1, f=str(source), l=number))
    assert list(counts.lines) == [("pointwise_core", "3:7 if")]


def test_wide_signals_do_not_count():
    counts = Counts()
    for width in (1, WIDEST, WIDEST + 1):
        for bit in range(width):
            for way in ("0->1", "1->0"):
                counts.add(line("v_toggle/pointwise_core", f"x{width}[{bit}]:{way}", 1))
    assert len(counts.narrow()) == 2 * (1 + WIDEST)


def test_another_file_is_refused_by_name(tmp_path):
    path = tmp_path / "page.dat"
    path.write_text("<html>\n")
    with pytest.raises(PointwiseError, match=r"page\.dat has the line '<html>'; expected Verilator's"):
        read_counts([path])
    with pytest.raises(PointwiseError, match=r"none\.dat cannot be read"):
        read_counts([tmp_path / "none.dat"])
