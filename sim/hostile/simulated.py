"""Hostile images in the simulated core, a real network's run after each."""

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import align
from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import Error
from pointwise.model.emulator import Emulator
from pointwise.sim.bench import run
from pointwise.sim.system.run import PAGE
from pointwise.sim.system.testbench import build_core

from .emulated import Broken
from .expected import Ending, possible_ends
from .programs import CONFIG, Hostile, hostile, real

BENCH = Path(__file__).with_name("bench_hostile.py")
BATCH = 20
"""Hostile images in a simulation: most of the time of a short one is its start."""
WATCHDOG = 1000
CYCLES = 2_000_000
"""More than any run takes; a core that takes more has got stuck, as the watchdog did not end it."""
FILLING = 0xA5
"""What lies around the windows, and in the output before a run."""
STALLS = {f"stall_{channel}": 100 for channel in ("ar", "r", "aw", "w", "b")}


class Memory:
    """DRAM as it is before the runs: regions, each at a page, with a page of FILLING behind each."""

    def __init__(self) -> None:
        self.data = bytearray()

    def place(self, content: bytes) -> tuple[int, int]:
        """Address and length of a new region."""
        first = len(self.data)
        self.data += content
        self.data += bytes([FILLING]) * (align(len(self.data), PAGE) + PAGE - len(self.data))
        return first, len(content)


def simulate(seeds: Sequence[int], *, swift: bool = False) -> Counter[str]:
    """Run cases in one simulation; every one ends as it may, writes its output alone, and leaves no trace.

    The window checker watches the bus of all runs. After each case a real network runs, after every second
    one behind a clear: then every byte of its output is the same, else those of its results.

    Args:
        swift: a memory without stalls.

    Returns:
        How they ended, by the name of the error.

    Raises:
        Broken: an end that the image cannot have, a byte written outside, or another result of the real
            network after a hostile image. sim.bench.BenchFailure: a burst outside the windows, another
            violation of the bus, or a run that does not end.
    """
    compiled, block = real(0)
    logits = compiled.read_output(Emulator(compiled.image, CONFIG).run(block))
    memory, runs, outputs = Memory(), [], []
    clean = [memory.place(compiled.image), memory.place(block)]
    size = compiled.manifest["output"]["bytes"]

    def start(windows: list[tuple[int, int]], output_bytes: int, *, clear: bool = False) -> None:
        outputs.append(memory.place(bytes([FILLING]) * output_bytes))
        runs.extend([None] * clear)
        runs.append([*windows, outputs[-1]])

    start(clean, size, clear=True)
    cases = [hostile(seed) for seed in seeds]
    for number, case in enumerate(cases):
        given = bytes(range(256)) * (case.input_bytes // 256 + 1)
        start([memory.place(case.image), memory.place(given[: case.input_bytes])], case.output_bytes)
        start(clean, size, clear=number % 2 == 1)
    results, after = play(CONFIG, runs, memory, {} if swift else STALLS, seeds[0])
    _compare(bytes(memory.data), after, outputs)
    seen = [(place, found) for place, found in zip(runs, results, strict=True) if place is not None]
    blocks = [after[first : first + length] for first, length in outputs]
    ends: Counter[str] = Counter()
    for number, (seed, case) in enumerate(zip(seeds, cases, strict=True)):
        ends[_judged(seed, case, *seen[2 * number + 1])] += 1
        _, clean_run = seen[2 * number + 2]
        block = blocks[2 * number + 2]
        found = compiled.read_output(block)
        same = all((found[name] == values).all() for name, values in logits.items())
        # Lanes past the last channel keep what was there, but for a clear.
        same &= block == blocks[0] or number % 2 == 0
        if clean_run["STATUS"] != DONE or not same:
            raise Broken(f"seed {seed}: the run of a real network is another one afterwards")
    return ends


DONE = 2
"""STATUS after a good run."""


def _judged(seed: int, case: Hostile, windows: list[tuple[int, int]], seen: dict[str, int]) -> str:
    """The name of the end, if it is one that the case may have."""
    bases = {base: windows[base][0] for base in Base}
    possible = possible_ends(case.image, case.windows, bases, CONFIG)
    error = Error(seen["STATUS"] >> 8 & 0xFF)
    found = Ending(error, seen["ERROR_INSTRUCTION"], seen["ERROR_ADDRESS"])
    if error is Error.WATCHDOG:
        found = Ending(error, -1, 0)  # whatever was looked at last
    if found not in possible:
        raise Broken(f"seed {seed}: the core ended in {found}; it may end in {possible}")
    return error.name


def _compare(before: bytes, after: bytes, outputs: list[tuple[int, int]]) -> None:
    """Only outputs may have changed."""
    kept = [bytearray(data) for data in (before, after)]
    for data in kept:
        for first, size in outputs:
            data[first : first + size] = bytes(size)
    if kept[0] != kept[1]:
        place = next(i for i, (old, new) in enumerate(zip(*kept, strict=True)) if old != new)
        raise Broken(f"byte {place:#x} of memory was written, which lies in no window of an output")


def play(
    config: CoreConfig,
    runs: Sequence[list[tuple[int, int]] | None],
    memory: Memory,
    stalls: dict[str, int],
    seed: int,
) -> tuple[list[dict[str, Any]], bytes]:
    """Run images in turn on a core that is reset but once.

    Args:
        runs: base and length of the windows, by ``Base``; None is a clear.

    Returns:
        The registers after each run, and memory after all.
    """
    with tempfile.TemporaryDirectory() as folder:
        image, dump, results = (Path(folder, name) for name in ("image.bin", "dump.bin", "results.json"))
        image.write_bytes(memory.data)
        size = len(memory.data)
        plusargs = {"mem_bytes": size, "image": image, "dump": dump, "limit": f"{size:x}", "seed": seed}
        run(
            build_core(config, optimise="-O1"),
            BENCH,
            plusargs=plusargs | stalls | {"latency": 7},
            config={
                "runs": runs,
                "memory_bytes": size,
                "timeout_cycles": CYCLES,
                "watchdog": WATCHDOG,
                "results": str(results),
            },
            seed=seed,
        )
        return json.loads(results.read_text()), dump.read_bytes()
