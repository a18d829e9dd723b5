"""Sites of multipliers and block RAMs: all different, the array in order, others near what they talk to."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pointwise.hw.boards.board import BOARDS
from pointwise.hw.contract.errors import PointwiseError
from pointwise.sim.fpga.floorplan import array_of, find_places, floorplan, place_array
from pointwise.sim.fpga.sites import BLOCK_RAM, MULTIPLIER, sites_of

ULX3S = BOARDS["ulx3s-85f"]
SITES = sites_of(ULX3S.device)


def test_sites_of_the_device() -> None:
    """As many as the board says that there are, no two of a kind in one tile; none of a device unheard of."""
    assert len(SITES[MULTIPLIER]) == ULX3S.available["multipliers"]
    assert len(SITES[BLOCK_RAM]) == ULX3S.available["block_rams"]
    for sites in SITES.values():
        assert len({site.name for site in sites}) == len({(site.x, site.y) for site in sites}) == len(sites)
    assert sites_of(("--12k",)) == {}


@pytest.mark.parametrize(("rows", "cols"), [(8, 16), (1, 1), (3, 5), (16, 8), (2, 52), (7, 1)])
def test_the_array_lies_in_order(rows: int, cols: int) -> None:
    """Every multiplier has a site; tokens never go back to the left, nor sums back up."""
    array = {(r, c): r * cols + c for r in range(rows) for c in range(cols)}
    places = place_array(array, SITES[MULTIPLIER])
    assert len({site.name for site in places.values()}) == rows * cols
    for r, c in array:
        here = places[array[r, c]]
        if c:
            assert places[array[r, c - 1]].x < here.x
        if r:
            assert places[array[r - 1, c]].y <= here.y


def test_an_array_that_does_not_fit_is_left_to_the_tool() -> None:
    """More multipliers beside each other than there are, or none at all."""
    assert place_array({(0, c): c for c in range(53)}, SITES[MULTIPLIER]) == {}
    assert place_array({}, SITES[MULTIPLIER]) == {}


@pytest.mark.parametrize("seed", range(3))
def test_macros_lie_near_what_they_talk_to(seed: int) -> None:
    """Block RAMs that each hang on one multiplier of an array come to lie beside it."""
    rng = np.random.default_rng(seed)
    array = {(r, c): r * 16 + c for r in range(8) for c in range(16)}
    rams = [128 + int(number) for number in rng.permutation(64)]
    nets = [[2 * number, ram] for number, ram in enumerate(rams)]
    used = {MULTIPLIER: list(array.values()), BLOCK_RAM: sorted(rams)}
    places = find_places(nets, 192, used, array, SITES)
    assert len({site.name for site in places.values()}) == len(places) == 192
    assert all(places[ram] in SITES[BLOCK_RAM] for ram in rams)

    def way(order: list[int]) -> float:
        ends = [(places[2 * number], places[ram]) for number, ram in enumerate(order)]
        return float(np.mean([abs(a.x - b.x) + abs(a.y - b.y) for a, b in ends]))

    assert way(rams) < 20 < 2 * way(rams) < way(rams[::-1])


def _netlist(folder: Path, cells: dict, nets: dict) -> SimpleNamespace:
    top = {"attributes": {"top": "1"}, "cells": cells, "netnames": nets}
    (folder / "netlist.json").write_text(json.dumps({"modules": {"helper": {}, "soc": top}}))
    return SimpleNamespace(board=ULX3S, gateware=folder)


def test_the_netlist_gets_sites(tmp_path: Path) -> None:
    """The multiplier in front of product_0_0 is the array's; what has no site stays as it is."""
    cells = {
        "m": {"type": MULTIPLIER, "connections": {"A0": [2], "P0": [3], "P1": [4]}},
        "other": {"type": MULTIPLIER, "connections": {"A0": [9], "P0": [2]}},
        "ff": {"type": "TRELLIS_FF", "connections": {"DI": [4], "Q": [5]}},
        "ram": {"type": BLOCK_RAM, "connections": {"DOA0": [2], "DOA1": ["x"]}},
        "lut": {"type": "LUT4", "connections": {"A": [5], "Z": [9]}, "attributes": {"src": "here"}},
    }
    nets = {"core.engine.array.product_0_0": {"bits": [5]}, "engine.array.product_10": {"bits": [3]}}
    system = _netlist(tmp_path, cells, nets)
    assert array_of({"cells": cells, "netnames": nets}) == {(0, 0): 0}
    path = floorplan(system)
    placed = json.loads(path.read_text())["modules"]["soc"]["cells"]
    names = {name: cell.get("attributes", {}).get("BEL") for name, cell in placed.items()}
    assert names["lut"] is None and names["ff"] is None
    assert names["m"] in {s.name for s in SITES[MULTIPLIER]} - {names["other"]}
    assert names["ram"] in {s.name for s in SITES[BLOCK_RAM]}


def test_what_cannot_be_planned_goes_to_the_tool_as_it_is(tmp_path: Path) -> None:
    """No macros, too many of them, a device without known sites; a damaged netlist is told in a sentence."""
    netlist = tmp_path / "netlist.json"
    assert floorplan(_netlist(tmp_path, {}, {})) == netlist
    many = {f"m{i}": {"type": MULTIPLIER, "connections": {}} for i in range(157)}
    system = _netlist(tmp_path, many, {})
    assert floorplan(system) == netlist
    assert floorplan(SimpleNamespace(board=BOARDS["xc7k70t"], gateware=tmp_path)) == netlist
    for text in ("{", '{"modules": {}}', '{"modules": {"a": {"attributes": {"top": "1"}}}}'):
        netlist.write_text(text)
        with pytest.raises(PointwiseError, match=r"is not a netlist of Yosys \(.*build it again"):
            floorplan(system)
