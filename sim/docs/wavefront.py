"""The picture of a 2×2 array over six cycles, docs/wavefront.svg: tokens, swap, and the loading behind it.

Cycles count from the one in which the swap of tile A enters the array, as in docs/architecture.md.
"""

from dataclasses import dataclass

SIZE, TOKENS = 2, 3
"""R = C, and tokens of a tile."""
CYCLES = range(1, 7)
BEFORE, TILES = "–", "AB"
SIDE, GAP, TOP = 84, 46, 60
"""Of a cell, between two arrays, and above them, in pixels."""


@dataclass(frozen=True)
class Cell:
    """What a cell holds in a cycle.

    Attributes:
        active, shadow: tiles of its two weights. token: that it multiplies, or "".
        swaps: it takes its shadow at the end of the cycle. loads: its shadow is written then.
    """

    active: str
    shadow: str
    token: str
    swaps: bool
    loads: bool


def swap_cycle(tile: int, r: int, c: int) -> int:
    """In which the swap of a tile is in a cell; the tile's first token follows a cycle later."""
    return tile * TOKENS + r + c + 1


def load_cycle(tile: int, r: int, c: int) -> int:
    """In which a row of the tile after ``tile`` is in a cell: offered r + 1 cycles after the swap, the first
    in which it may be."""
    return tile * TOKENS + (r + 1) + c


def cell(cycle: int, r: int, c: int) -> Cell:
    """Cell (r, c) in a cycle."""
    swapped = [tile for tile in range(len(TILES)) if swap_cycle(tile, r, c) < cycle]
    loaded = load_cycle(0, r, c) < cycle
    number = cycle - r - c - 2
    inside = 0 <= number < TOKENS * len(TILES)
    return Cell(
        active=TILES[swapped[-1]] if swapped else BEFORE,
        shadow=TILES[1] if loaded else TILES[0],
        token=f"{TILES[number // TOKENS].lower()}{number % TOKENS}" if inside else "",
        swaps=any(swap_cycle(tile, r, c) == cycle for tile in range(len(TILES))),
        loads=load_cycle(0, r, c) == cycle,
    )


STYLE = """
    text { font-family: "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; font-size: 14px;
      fill: #1f2933; text-anchor: middle; }
    .name { font-weight: 600; font-size: 15px; }
    .small { font-size: 12px; fill: #52606d; }
    .left { text-anchor: start; }
    .back { fill: #ffffff; }
    .cell { fill: #ffffff; stroke: #7b8794; stroke-width: 1; }
    .busy { fill: #dcebf8; stroke: #2b6cb0; stroke-width: 1.4; }
    .swap { fill: none; stroke: #2b6cb0; stroke-width: 3; }
    .load { fill: none; stroke: #a4551a; stroke-width: 2; stroke-dasharray: 5 3; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; }
      .small { fill: #a9b6c2; }
      .back { fill: #12161b; }
      .cell { fill: #12161b; stroke: #8796a5; }
      .busy { fill: #15324b; stroke: #6cb0ea; }
      .swap { stroke: #6cb0ea; }
      .load { stroke: #eda06a; }
    }
"""


def wavefront() -> str:
    """The picture as SVG."""
    width = len(CYCLES) * (SIZE * SIDE + GAP) + GAP
    height = TOP + SIZE * SIDE + 100
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>A 2×2 array over six cycles</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="{width}" height="{height}" rx="8"/>',
    ]
    for index, cycle in enumerate(CYCLES):
        left = GAP + index * (SIZE * SIDE + GAP)
        parts.append(f'<text class="name" x="{left + SIDE}" y="{TOP - 26}">cycle {cycle}</text>')
        for r in range(SIZE):
            for c in range(SIZE):
                parts += _drawn(cell(cycle, r, c), left + c * SIDE, TOP + r * SIDE)
    parts += _legend(TOP + SIZE * SIDE + 34)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _drawn(held: Cell, x: int, y: int) -> list[str]:
    kind = "busy" if held.token else "cell"
    parts = [f'<rect class="{kind}" x="{x}" y="{y}" width="{SIDE}" height="{SIDE}"/>']
    if held.swaps:
        parts.append(_frame("swap", x, y, 4))
    if held.loads:
        parts.append(_frame("load", x, y, 9))
    parts.append(f'<text class="name" x="{x + SIDE // 2}" y="{y + 36}">{held.active}</text>')
    parts.append(f'<text class="small" x="{x + SIDE - 20}" y="{y + 26}">{held.shadow}</text>')
    if held.token:
        parts.append(f'<text x="{x + SIDE // 2}" y="{y + 62}">{held.token}</text>')
    return parts


def _frame(kind: str, x: int, y: int, inset: int) -> str:
    side = SIDE - 2 * inset
    return f'<rect class="{kind}" x="{x + inset}" y="{y + inset}" width="{side}" height="{side}" rx="3"/>'


def _legend(y: int) -> list[str]:
    entries = [
        ("swap", "the swap is here: the shadow becomes active at the end of the cycle"),
        ("load", "a row of tile B is here: it is written into the shadow at the end of the cycle"),
    ]
    parts = []
    for index, (kind, text) in enumerate(entries):
        x = GAP + index * 640
        parts.append(f'<rect class="{kind}" x="{x}" y="{y - 12}" width="22" height="16" rx="3"/>')
        parts.append(f'<text class="left" x="{x + 32}" y="{y + 1}">{text}</text>')
    about = "Large: the tile of the active weight, below it the token that passes. Small: the shadow's."
    parts.append(f'<text class="left" x="{GAP}" y="{y + 34}">{about}</text>')
    return parts
