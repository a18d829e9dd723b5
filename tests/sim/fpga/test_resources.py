"""Counting the cells of a netlist by component."""

import json
from pathlib import Path

from pointwise.sim.fpga.resources import count, total
from pointwise.sim.fpga.tables import bitstreams, components


def cell(kind: str, **outputs: int) -> dict:
    return {
        "type": kind,
        "port_directions": dict.fromkeys(outputs, "output"),
        "connections": {port: [bit] for port, bit in outputs.items()},
    }


def netlist(tmp_path: Path, cells: dict, names: dict | None = None) -> Path:
    top = {"attributes": {"top": "1"}, "cells": cells, "netnames": names or {}}
    file = tmp_path / "netlist.json"
    file.write_text(json.dumps({"modules": {"LUT4": {"cells": {}}, "soc": top}}))
    return file


def test_cells_belong_to_the_innermost_component_of_their_name(tmp_path):
    file = netlist(
        tmp_path,
        {
            "core": cell("$scopeinfo"),
            "core.engine": cell("$scopeinfo"),
            "core.engine.a": cell("LUT4", Z=1),
            "core.engine.b.c": cell("TRELLIS_FF", Q=2),
            "core.d": cell("CCU2C", S0=3),
            "e": cell("MULT18X18D", P0=4),
        },
    )
    counted = count(file, "ecp5")
    assert counted["core.engine"] == {
        **dict.fromkeys(("carry", "lut_ram", "block_rams", "multipliers"), 0),
        **dict.fromkeys(("lut4", "flip_flops", "lut_places"), 1),
    }
    assert counted["core"]["carry"] == 1 and counted["core"]["lut_places"] == 2
    assert counted[""]["multipliers"] == 1
    assert total(counted, "core")["lut4"] == 1
    assert total(counted)["multipliers"] == 1


def test_cells_without_a_path_belong_to_what_they_drive(tmp_path):
    names = {
        "$made$up": {"hide_name": 1, "bits": [7]},
        "core.register": {"hide_name": 0, "bits": [7]},
    }
    cells = {"core": cell("$scopeinfo"), "$abc$1": cell("LUT4", Z=7), "$abc$2": cell("LUT4", Z=8)}
    counted = count(netlist(tmp_path, cells, names), "ecp5")
    assert counted["core"]["lut4"] == 1 and counted[""]["lut4"] == 1


def test_cells_made_inside_a_module_belong_to_it(tmp_path):
    cells = {"core": cell("$scopeinfo"), "$flatten\\core.$abc$1": cell("LUT6", O=7), "$abc$2": cell("LUT6")}
    counted = count(netlist(tmp_path, cells), "xilinx7")
    assert counted["core"]["lut"] == 1 and counted[""]["lut"] == 1


def test_components_below_the_depth_are_told_with_their_parent(tmp_path):
    cells = {path: cell("$scopeinfo") for path in ("a", "a.b", "a.b.c", "a.b.c.d")}
    cells["a.b.c.d.x"] = cell("LUT4", Z=1)
    assert list(count(netlist(tmp_path, cells), "ecp5", depth=2)) == ["a.b"]


def test_half_block_rams_of_xilinx_are_halves(tmp_path):
    cells = {"a": cell("RAMB18E1"), "b": cell("RAMB36E1"), "c": cell("LUT6"), "d": cell("FDRE")}
    counted = count(netlist(tmp_path, cells), "xilinx7")[""]
    assert (counted["block_rams"], counted["lut"], counted["flip_flops"]) == (2, 1, 1)


def test_luts_of_xilinx_that_are_memories_and_shift_registers_count(tmp_path):
    cells = {"a": cell("RAM32M"), "b": cell("SRL16E"), "c": cell("SRLC32E"), "d": cell("LUT3")}
    counted = count(netlist(tmp_path, cells), "xilinx7")[""]
    assert (counted["lut"], counted["lut_ram"], counted["shift_registers"]) == (1, 1, 2)
    assert counted["lut_places"] == 4 + 1 + 1 + 1


def report(**changes: object) -> dict:
    """A report as ``pointwise bitstream`` writes it, in what the tables need of it."""
    counts = {"lut4": 5, "carry": 1, "lut_places": 7, "flip_flops": 3, "block_rams": 0, "multipliers": 2}
    inside = ("", ".dma.store", ".dma", ".engine.array")
    paths = ("", *(f"pointwise_core{path}" for path in inside))
    listed = dict.fromkeys(paths, counts)
    return {
        "board": "b",
        "config": {"rows": 8, "cols": 16},
        "clock_mhz": 100.0,
        "clocks": {
            "sys": {"reached_mhz": 101.25, "asked_mhz": 100.0},
            "in": {"reached_mhz": 30, "asked_mhz": 25},
        },
        "lut4_per_mac": 99.5,
        "lut_places_per_mac": 140.25,
        "components": listed,
        "resources": {"system": total(listed), "available": dict.fromkeys(counts, 1000)},
    } | changes


def test_the_table_of_components_adds_up():
    _, rows = components(report())
    table = {row[0]: row[1] for row in rows}
    assert table.pop("all") == "25" and rows[-1][0] == "all"
    assert table == {
        "`dma`": "10",
        "`engine.array`": "5",
        "`hw.core`": "5",
        "LiteX: buses, SDRAM controller, UART": "5",
    }


def test_the_table_of_bitstreams_tells_the_cores_clock(tmp_path):
    (tmp_path / "bitstream_a.json").write_text(json.dumps(report()))
    (tmp_path / "report.json").write_text("{}")
    header, (row,) = bitstreams(tmp_path)
    assert dict(zip(header, row, strict=True))["clock reached, asked"] == "101.2, 100 MHz"
    assert "99.5 LUT4" in row and "140.2" in row and "35 of 1,000" in row
