"""What a netlist is made of, in all and by component."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

XILINX_LUTS = tuple(f"LUT{inputs}" for inputs in range(1, 7))
XILINX_SHIFTS = ("SRL16E", "SRLC32E")
XILINX_MEMORIES = {"RAM32M": 4, "RAM32X1D": 2, "RAM64M": 4, "RAM64X1D": 2, "RAM128X1D": 4}
"""LUT memories, and how many LUTs each takes."""

KINDS: dict[str, dict[str, dict[str, int]]] = {
    "ecp5": {
        "lut4": {"LUT4": 1},
        "carry": {"CCU2C": 1},
        "lut_ram": {"TRELLIS_DPR16X4": 1},
        "flip_flops": {"TRELLIS_FF": 1},
        "block_rams": {"DP16KD": 1},
        "multipliers": {"MULT18X18D": 1},
        # A carry cell takes the place of two LUTs, a LUT memory that of six.
        "lut_places": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
    },
    "xilinx7": {
        "lut": dict.fromkeys(XILINX_LUTS, 1),
        "carry": {"CARRY4": 1},
        "lut_ram": dict.fromkeys(XILINX_MEMORIES, 1),
        "shift_registers": dict.fromkeys(XILINX_SHIFTS, 1),
        "flip_flops": dict.fromkeys(("FDRE", "FDSE", "FDCE", "FDPE"), 1),
        # In blocks of 36 kbit.
        "block_rams": {"RAMB36E1": 2, "RAMB18E1": 1},
        "multipliers": {"DSP48E1": 1},
        # Two small ones may share a place, which is the vendor's to decide.
        "lut_places": dict.fromkeys((*XILINX_LUTS, *XILINX_SHIFTS), 1) | XILINX_MEMORIES,
    },
}
"""Kinds of resource of each family, and how many of each a cell takes (block RAMs of Xilinx in halves)."""

MADE_INSIDE = "$flatten\\"
"""How the name of a cell begins that Yosys made in a module by itself, before that became part of another."""


def count(netlist: Path, family: str, depth: int = 3) -> dict[str, dict[str, int]]:
    """Resources by component.

    Args:
        netlist: Yosys' JSON of a flattened design. family: of ``KINDS``.
        depth: how many levels of the hierarchy are told apart.

    Returns:
        For each component, by its path (of the top itself, ""), how much of each kind; a component's
        figures do not hold those of the components inside it that are listed too. A cell without a name
        belongs to what it drives, and where that has no name either to the module that was mapped by itself
        (so do the LUTs of a Xilinx core).
    """
    modules = json.loads(netlist.read_text())["modules"]
    top = next(module for module in modules.values() if "top" in module.get("attributes", {}))
    scopes = {name for name, cell in top["cells"].items() if cell["type"] == "$scopeinfo"}
    names = _net_names(top["netnames"])
    tally: dict[str, Counter[str]] = {}
    for name, cell in top["cells"].items():
        if cell["type"] == "$scopeinfo":
            continue
        scope = (
            _scope(name, scopes)
            or _scope_of_outputs(cell, names, scopes)
            or _scope(name.removeprefix(MADE_INSIDE), scopes)
        )
        path = ".".join(scope.split(".")[:depth])
        tally.setdefault(path, Counter())[cell["type"]] += 1
    return {path: _in_kinds(cells, family) for path, cells in sorted(tally.items())}


def total(components: Mapping[str, Mapping[str, int]], under: str = "") -> dict[str, int]:
    """The sum over all components, or over one of them and what is inside it."""
    sums: Counter[str] = Counter()
    for path, kinds in components.items():
        if not under or path == under or path.startswith(f"{under}."):
            sums.update(kinds)
    return dict(sums)


def _in_kinds(cells: Counter[str], family: str) -> dict[str, int]:
    kinds = {
        kind: sum(cells[name] * weight for name, weight in weights.items())
        for kind, weights in KINDS[family].items()
    }
    if family == "xilinx7":
        kinds["block_rams"] = -(-kinds["block_rams"] // 2)
    return kinds


def _net_names(nets: Mapping[str, Mapping]) -> dict[int, str]:
    """For each bit of the netlist the name of a net; one that a person wrote where there is one."""
    names: dict[int, tuple[int, int, str]] = {}
    for name, net in nets.items():
        rank = (net.get("hide_name", 0), len(name), name)
        for bit in net["bits"]:
            if isinstance(bit, int) and (bit not in names or rank < names[bit]):
                names[bit] = rank
    return {bit: rank[2] for bit, rank in names.items()}


def _scope(name: str, scopes: set[str]) -> str:
    """The innermost component whose path a name begins with."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        path = ".".join(parts[:length])
        if path in scopes:
            return path
    return ""


def _scope_of_outputs(cell: Mapping, names: Mapping[int, str], scopes: set[str]) -> str:
    """The component of the first net that a cell drives; cells that Yosys made have no path of their own."""
    for port, bits in cell["connections"].items():
        if cell.get("port_directions", {}).get(port) == "output":
            for bit in bits:
                scope = _scope(names.get(bit, ""), scopes) if isinstance(bit, int) else ""
                if scope:
                    return scope
    return ""
