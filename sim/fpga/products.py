"""Puts the register behind a multiplier into the multiplier.

An ECP5's multiplier has registers of its own. Yosys uses none of them: it leaves the product to cross the
chip to the slices before it is held, and the multiplier alone is nearly four of ten ns.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file

from .sites import MULTIPLIER

REGISTER = "TRELLIS_FF"
PLAIN = {"CEMUX": "1 ", "CLKMUX": "CLK", "LSRMUX": "LSR", "REGSET": "RESET"}
"""Parameters of a flip-flop that takes what comes at every edge and starts with 0."""
RUNS = {"CE0": "1", "RST0": "0"}
"""Pins of a register that does the same. They are connected: what a free one is, the chip decides."""

Cell = dict


def hold_products(mapped: Path, netlist: Path) -> int:
    """Write to ``netlist`` what Yosys wrote to ``mapped``, with products held by their multipliers.

    Returns:
        How many do so; none where there are no multipliers of an ECP5.

    Raises:
        PointwiseError: the file is not what Yosys writes.
    """
    try:
        design = json.loads(mapped.read_text())
        count = sum(hold_in(module["cells"], module["ports"]) for module in design["modules"].values())
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise PointwiseError(f"{mapped} is not a netlist of Yosys ({error}); build it again") from error
    write_file(netlist, json.dumps(design))
    return count


def hold_in(cells: dict[str, Cell], ports: dict[str, dict]) -> int:
    """The same in the cells of a module, of which the flip-flops go that are no longer needed.

    A multiplier holds its product where all that it drives are flip-flops of one clock, one for each bit,
    without enable and reset: a block of multipliers has four resets, and not each register can choose.
    """
    users: dict[object, list[tuple[str, str]]] = defaultdict(list)
    for port in ports.values():
        for bit in port["bits"]:
            users[bit].append(("", "port"))
    for name, cell in cells.items():
        for pin, bits in cell["connections"].items():
            for bit in bits:
                users[bit].append((name, pin))

    def register_of(takers: list[tuple[str, str]]) -> str | None:
        """The flip-flop that alone takes a bit."""
        alone = len(takers) == 1 and takers[0][1] == "DI" and cells[takers[0][0]]["type"] == REGISTER
        return takers[0][0] if alone else None

    count = 0
    for name in [name for name, cell in cells.items() if cell["type"] == MULTIPLIER]:
        cell = cells[name]
        pins = [pin for pin in cell["connections"] if pin[0] == "P" and pin[1:].isdigit()]
        takers = {
            pin: [user for user in users[cell["connections"][pin][0]] if user != (name, pin)] for pin in pins
        }
        registers = {pin: register_of(found) for pin, found in takers.items() if found}
        held = {pin: register for pin, register in registers.items() if register is not None}
        clocks = {_clock(cells[register]) for register in held.values()}
        if len(held) != len(registers) or len(clocks) != 1 or None in clocks:
            continue
        for pin, register in held.items():
            cell["connections"][pin] = cells.pop(register)["connections"]["Q"]
        cell["parameters"] |= {"REG_OUTPUT_CLK": "CLK0", "GSR": "DISABLED"}
        for pin, bit in {"CLK0": clocks.pop(), **RUNS}.items():
            cell["connections"][pin] = [bit]
            cell["port_directions"][pin] = "input"
        count += 1
    return count


def feed_groups(cells: dict[str, Cell], groups: Iterable[Sequence[Cell]]) -> None:
    """Give each group of multipliers constants of its own for the enables and resets of their registers.

    The one pair of constants that nextpnr makes of them all goes all over the chip, and the router tears up
    one part of it for another for as long as all else took.

    Args:
        groups: multipliers in places that share these pins.
    """
    bits = (bit for cell in cells.values() for pins in cell["connections"].values() for bit in pins)
    bit = 1 + max((bit for bit in bits if isinstance(bit, int)), default=1)
    for number, group in enumerate(groups):
        for pin, value in RUNS.items():
            users = [cell for cell in group if cell["connections"].get(pin) == [value]]
            if not users:
                continue
            cells[f"products.{pin}.{number}"] = {
                "type": "LUT4",
                "parameters": {"INIT": value * 16},
                "attributes": {},
                "port_directions": {"Z": "output"},
                "connections": {"Z": [bit]},
            }
            for cell in users:
                cell["connections"][pin] = [bit]
            bit += 1


def _clock(register: Cell) -> object | None:
    """The clock of a flip-flop that has no enable and no reset, None for any other."""
    parameters, pins = register["parameters"], register["connections"]
    plain = all(parameters.get(name, value) == value for name, value in PLAIN.items())
    free = pins.get("LSR", ["0"]) == ["0"] and "CE" not in pins and "M" not in pins
    kept = "keep" in register.get("attributes", {})
    return pins["CLK"][0] if plain and free and not kept else None
