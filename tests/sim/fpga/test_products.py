"""Registers that go into multipliers, and those that must stay where they are."""

import json

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.fpga.products import feed_groups, hold_in, hold_products

CLOCK, PRODUCTS, HELD = 2, range(10, 14), range(20, 24)


def flip_flop(data: int, out: int, **changes) -> dict:
    settings = {"CEMUX": "1 ", "CLKMUX": "CLK", "GSR": "DISABLED", "LSRMUX": "LSR", "REGSET": "RESET"}
    pins = {"CLK": [CLOCK], "DI": [data], "LSR": ["0"], "Q": [out]}
    attributes = changes.pop("attributes", {})
    for name, value in changes.items():
        (settings if name in settings else pins)[name] = value
    return {"type": "TRELLIS_FF", "parameters": settings, "connections": pins, "attributes": attributes}


def module(**changes) -> dict[str, dict]:
    """A multiplier of which four bits are held and one is not used; ``changes`` to the last flip-flop."""
    pins = {f"P{i}": [bit] for i, bit in enumerate(PRODUCTS)} | {"P4": [14], "A0": [3]}
    cells = {
        "multiplier": {"type": "MULT18X18D", "parameters": {}, "connections": pins, "port_directions": {}}
    }
    for i, (data, out) in enumerate(zip(PRODUCTS, HELD, strict=True)):
        cells[f"held{i}"] = flip_flop(data, out, **(changes if i == 3 else {}))
    return cells


def test_a_product_is_held_by_its_multiplier() -> None:
    cells = module()
    assert hold_in(cells, {"clock": {"bits": [CLOCK]}}) == 1
    assert list(cells) == ["multiplier"]
    pins, parameters = cells["multiplier"]["connections"], cells["multiplier"]["parameters"]
    assert [pins[f"P{i}"] for i in range(5)] == [[20], [21], [22], [23], [14]]
    assert (pins["CLK0"], pins["CE0"], pins["RST0"]) == ([CLOCK], ["1"], ["0"])
    assert parameters == {"REG_OUTPUT_CLK": "CLK0", "GSR": "DISABLED"}
    assert set(cells["multiplier"]["port_directions"].items()) == {
        (pin, "input") for pin in ("CLK0", "CE0", "RST0")
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"CE": [9], "CEMUX": "CE"},
        {"LSR": [9]},
        {"CLK": [9]},
        {"CLKMUX": "INV"},
        {"REGSET": "SET"},
        {"DI": ["0"], "M": [13]},
        {"attributes": {"keep": "1"}},
    ],
    ids=str,
)
def test_other_registers_stay(changes: dict) -> None:
    cells = module(**changes)
    before = json.dumps(cells)
    assert hold_in(cells, {}) == 0
    assert json.dumps(cells) == before


@pytest.mark.parametrize("user", ["gate", "port", "second register"])
def test_a_product_that_others_see_too_stays(user: str) -> None:
    cells, ports = module(), {}
    if user == "gate":
        cells["gate"] = {"type": "LUT4", "connections": {"A": [12]}}
    elif user == "port":
        ports["out"] = {"bits": [12]}
    else:
        cells["again"] = flip_flop(12, 30)
    assert hold_in(cells, ports) == 0
    assert "held0" in cells


def test_a_group_has_constants_of_its_own() -> None:
    holding = {name: module()["multiplier"] for name in "abc"}
    for cell in holding.values():
        cell["connections"] |= {"CE0": ["1"], "RST0": ["0"]}
    cells = holding | {"plain": {"type": "MULT18X18D", "connections": {"P0": [7]}}}
    feed_groups(cells, [[cells["a"], cells["c"]], [cells["b"], cells["plain"]], [cells["plain"]]])
    made = {name: cell for name, cell in cells.items() if cell["type"] == "LUT4"}
    assert len(made) == 4
    drivers = {cell["connections"]["Z"][0]: cell["parameters"]["INIT"] for cell in made.values()}
    assert min(drivers) > 14, "nets that there were not before"
    for pin, value in (("CE0", "1"), ("RST0", "0")):
        a, b, c = (cells[name]["connections"][pin][0] for name in "abc")
        assert a == c != b
        assert drivers[a] == drivers[b] == value * 16
    assert cells["plain"]["connections"] == {"P0": [7]}


def test_files_are_rewritten_or_refused(tmp_path) -> None:
    mapped, netlist = tmp_path / "mapped.json", tmp_path / "netlist.json"
    mapped.write_text(json.dumps({"modules": {"top": {"cells": module(), "ports": {}}}}))
    assert hold_products(mapped, netlist) == 1
    assert list(json.loads(netlist.read_text())["modules"]["top"]["cells"]) == ["multiplier"]
    mapped.write_text('{"modules": {"top": {}}}')
    with pytest.raises(PointwiseError, match=r"mapped.json is not a netlist of Yosys"):
        hold_products(mapped, netlist)
