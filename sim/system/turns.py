"""Runs of many kinds in turn on one simulated core, which is reset once, out of a memory that they share."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import align
from pointwise.sim.bench import run

from .run import PAGE
from .testbench import build_core

BENCH = Path(__file__).with_name("bench_turns.py")
FILLING = 0xA5
"""What lies around the regions of a memory."""
DONE = 2
"""STATUS after a good run."""
CYCLES = 2_000_000
"""More than any run takes; a core that takes more has got stuck, as the watchdog did not end it."""
LATENCY = {"latency": 7}

Place = tuple[int, int]
"""Address and length of a region of memory."""


class Memory:
    """DRAM as it is before the runs: regions, each at a page, with a page of FILLING behind each."""

    def __init__(self) -> None:
        self.data = bytearray()

    def place(self, content: bytes) -> Place:
        """Address and length of a new region."""
        first = len(self.data)
        self.data += content
        self.data += bytes([FILLING]) * (align(len(self.data), PAGE) + PAGE - len(self.data))
        return first, len(content)


@dataclass(frozen=True)
class Turn:
    """One thing that the host does.

    Attributes:
        windows: of the run, by ``Base``; None for a clear.
        after: cycles from the start to what disturbs the run; None where nothing does.
        how: it is disturbed: by a reset of core and memory, after which no result is read, or by another
            start and a clear, which a busy core ignores.
    """

    windows: tuple[Place, Place, Place] | None
    after: int | None = None
    how: Literal["reset", "commands"] = "commands"


def play(
    config: CoreConfig,
    turns: Sequence[Turn],
    memory: Memory,
    plusargs: dict[str, Any],
    seed: int,
    watchdog: int,
    optimise: str = "-O1",
) -> tuple[list[dict[str, Any]], bytes]:
    """Do all turns in one simulation, which the window checker watches.

    Args:
        plusargs: stalls and faults of the memory (``sim/rtl/axi_dram.sv``).
        watchdog: cycles without progress. optimise: of the simulator (``sim.build.build``).

    Returns:
        The registers after each turn, of one that a reset ended none; and memory after all.

    Raises:
        pointwise.sim.bench.BenchFailure: a burst outside the windows, another violation of the bus, or a run
            that does not end.
    """
    with tempfile.TemporaryDirectory() as folder:
        image, dump, results = (Path(folder, name) for name in ("image.bin", "dump.bin", "results.json"))
        image.write_bytes(memory.data)
        size = len(memory.data)
        of_memory = {"mem_bytes": size, "image": image, "dump": dump, "limit": f"{size:x}", "seed": seed}
        run(
            build_core(config, optimise=optimise),
            BENCH,
            plusargs=LATENCY | of_memory | plusargs,
            config={
                "turns": [asdict(turn) for turn in turns],
                "memory_bytes": size,
                "timeout_cycles": CYCLES,
                "watchdog": watchdog,
                "results": str(results),
            },
            seed=seed,
        )
        return json.loads(results.read_text()), dump.read_bytes()


def changed_outside(before: bytes, after: bytes, outputs: Sequence[Place]) -> int | None:
    """The first byte of memory that is another one afterwards and lies in no output; None if none is."""
    kept = [bytearray(data) for data in (before, after)]
    for data in kept:
        for first, size in outputs:
            data[first : first + size] = bytes(size)
    if kept[0] == kept[1]:
        return None
    return next(place for place, (old, new) in enumerate(zip(*kept, strict=True)) if old != new)
