"""Where an FPGA has its multipliers and block RAMs, which lie in a few rows across it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

MULTIPLIER, BLOCK_RAM = "MULT18X18D", "DP16KD"


@dataclass(frozen=True)
class Site:
    """A place for one cell: its tile, its name in nextpnr, and the group of four that it is in."""

    x: int
    y: int
    name: str
    group: tuple[int, int]


@dataclass(frozen=True)
class _Ecp5:
    """Rows of an ECP5: each is made of equal groups of four, which begin in the same columns."""

    groups: tuple[int, ...]
    multiplier_rows: tuple[int, ...]
    ram_rows: tuple[int, ...]

    def sites(self) -> dict[str, list[Site]]:
        multipliers = [
            Site(group + offset, y, f"X{group + offset}/Y{y}/MULT18_{offset}", (group, y))
            for y, group, offset in product(self.multiplier_rows, self.groups, (0, 1, 4, 5))
        ]
        rams = [
            Site(group + 2 * number, y, f"X{group + 2 * number}/Y{y}/EBR{number}", (group, y))
            for y, group, number in product(self.ram_rows, self.groups, range(4))
        ]
        return {MULTIPLIER: multipliers, BLOCK_RAM: rams}


_DEVICES = {
    "--85k": _Ecp5(
        groups=(4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114),
        multiplier_rows=(10, 34, 58),
        ram_rows=(22, 46, 70, 82),
    )
}


def sites_of(device: Sequence[str]) -> dict[str, list[Site]]:
    """Sites by type of cell, row by row from left to right; none of a device that is not known here.

    Args:
        device: as in ``pointwise.hw.boards.board.Board``.
    """
    known = [_DEVICES[word] for word in device if word in _DEVICES]
    return known[0].sites() if known else {}
