"""Gives the multipliers and block RAMs of a netlist their sites before nextpnr places the rest.

nextpnr lets them slide over the whole chip and then takes for each the nearest site that is free. On a chip
that is full of them this takes the array apart; docs/fpga.md has what it costs.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from pointwise.hw.boards.system import System
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file

from .products import feed_groups
from .sites import MULTIPLIER, Site, sites_of
from .springs import Springs
from .synthesis import NETLIST

FLOORPLAN = "floorplan.json"
PRODUCT = re.compile(r"engine\.array\.product_(\d+)_(\d+)$")
"""The register behind the multiplier of row r and column c of the array (``pointwise.hw.engine.array``)."""
ROUNDS = 8
"""Times that macros are let loose and put on sites again, tighter each time; more of them change nothing."""
FORCE = 0.15
"""How tightly sites hold in the first round, as a share of the pull of what a macro hangs on."""

Places = dict[int, Site]


def floorplan(system: System) -> Path:
    """Write ``floorplan.json`` beside ``netlist.json``, the same with sites; returns what is to be placed.

    That is the netlist itself where the device's sites are not known, or too few, or none is wanted: nextpnr
    then does what it can, or says what does not fit.

    Raises:
        PointwiseError: the netlist is not what Yosys writes.
    """
    sites = sites_of(system.board.device)
    netlist = system.gateware / NETLIST
    if not sites:
        return netlist
    try:
        design = json.loads(netlist.read_text())
        (top,) = (module for module in design["modules"].values() if "top" in module.get("attributes", {}))
        cells = list(top["cells"].values())
        types = [cell["type"] for cell in cells]
        used = {kind: [i for i, found in enumerate(types) if found == kind] for kind in sites}
        too_many = any(len(used[kind]) > len(sites[kind]) for kind in sites)
        if too_many or not any(used.values()):
            return netlist
        places = find_places(_nets(cells), len(cells), used, array_of(top), sites)
    except (KeyError, ValueError, TypeError) as error:
        raise PointwiseError(f"{netlist} is not a netlist of Yosys ({error}); build it again") from error
    groups = defaultdict(list)
    for index, site in places.items():
        cells[index].setdefault("attributes", {})["BEL"] = site.name
        if types[index] == MULTIPLIER:
            groups[site.group].append(cells[index])
    feed_groups(top["cells"], groups.values())
    write_file(system.gateware / FLOORPLAN, json.dumps(design))
    return system.gateware / FLOORPLAN


def find_places(
    nets: Sequence[Sequence[int]],
    cells: int,
    used: Mapping[str, Sequence[int]],
    array: Mapping[tuple[int, int], int],
    sites: Mapping[str, Sequence[Site]],
) -> Places:
    """Sites of all macros: those of the array in its order, the others near what they talk to.

    Args:
        nets: cells of each net, numbered from 0 to ``cells`` − 1. used: macros of each type.
        array: the multiplier of each row and column of the systolic array. sites: of each type.
    """
    known = place_array(array, sites[MULTIPLIER])
    free = {kind: [site for site in found if site not in known.values()] for kind, found in sites.items()}
    loose = {kind: [cell for cell in used[kind] if cell not in known] for kind in sites}
    every = [site for found in sites.values() for site in found]
    middle = (float(np.mean([s.x for s in every])), float(np.mean([s.y for s in every])))
    springs, fixed = Springs(nets, cells, middle), {cell: (site.x, site.y) for cell, site in known.items()}
    places: Places = {}
    for number in range(ROUNDS):
        drawn = {cell: (site.x, site.y) for cell, site in places.items()}
        rest = springs.relax(fixed, drawn, FORCE * number)
        for kind, macros in loose.items():
            wanted = rest[macros]
            places |= _assign(macros, wanted if number else _spread(wanted, free[kind]), free[kind])
    return known | places


def array_of(top: dict) -> dict[tuple[int, int], int]:
    """Number of the multiplier of each row and column of the array, by the register of its product.

    That is the multiplier's own, or flip-flops behind it.
    """
    places = {}
    for name, net in top["netnames"].items():
        if match := PRODUCT.search(name):
            places |= dict.fromkeys(net["bits"], (int(match[1]), int(match[2])))
    cells = list(top["cells"].values())
    places |= {
        cell["connections"]["DI"][0]: places[cell["connections"]["Q"][0]]
        for cell in cells
        if cell["type"] == "TRELLIS_FF" and cell["connections"]["Q"][0] in places
    }
    found = {}
    for number, cell in enumerate(cells):
        if cell["type"] == MULTIPLIER:
            outputs = [bit for port, bits in cell["connections"].items() if port[0] == "P" for bit in bits]
            found |= {places[bit]: number for bit in outputs if bit in places}
    return found


def place_array(array: Mapping[tuple[int, int], int], sites: Sequence[Site]) -> Places:
    """The array over the rows of multipliers: tokens go from left to right, sums from row to row.

    Room for the prologue's multipliers is left where the tokens come in. An array that does not fit in this
    form has no places here.
    """
    lines = [[site for site in sites if site.y == y] for y in sorted({site.y for site in sites})]
    if not array or not lines:
        return {}
    rows, cols = (1 + max(index[axis] for index in array) for axis in (0, 1))
    tall = -(-rows // len(lines))  # rows of the array in a row of multipliers, and columns beside each other
    left = min(map(len, lines)) - tall * cols
    if left < 0:
        return {}
    places, first = {}, 0
    for number, line in enumerate(lines):
        count = (rows - first + len(lines) - number - 1) // (len(lines) - number)
        for r in range(first, first + count):
            for c in range(cols):
                step = (c * count + r - first) * (len(line) - left) // (cols * count)
                if (r, c) in array:
                    places[array[r, c]] = line[left + step]
        first += count
    return places


def _nets(cells: Sequence[dict]) -> list[list[int]]:
    """Cells of each net."""
    nets = defaultdict(list)
    for number, cell in enumerate(cells):
        for bits in cell["connections"].values():
            for bit in bits:
                if isinstance(bit, int):
                    nets[bit].append(number)
    return list(nets.values())


def _spread(places: np.ndarray, sites: Sequence[Site]) -> np.ndarray:
    """Half way from where macros want to be to where they would lie if they filled the chip in that order."""
    spread = places.copy()
    for axis, values in enumerate((sorted(s.x for s in sites), sorted(s.y for s in sites))):
        order = np.argsort(np.argsort(places[:, axis], kind="stable"), kind="stable")
        spread[:, axis] += np.array(values)[order * len(values) // max(1, len(places))]
    return spread / 2


def _assign(macros: Sequence[int], wanted: np.ndarray, sites: Sequence[Site]) -> Places:
    """The sites that are the least way from where macros want to be, over all of them."""
    at = np.array([(site.x, site.y) for site in sites], float).reshape(-1, 2)
    way = np.abs(wanted[:, None, :] - at).sum(axis=2) ** 1.2
    chosen = linear_sum_assignment(way)
    return {macros[i]: sites[j] for i, j in zip(*chosen, strict=True)}
