"""Hostile images in the simulated core, a real network's run after each."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import Error
from pointwise.model.emulator import Emulator
from pointwise.sim.system.turns import DONE, FILLING, Memory, Place, Turn, changed_outside, play

from .emulated import Broken
from .expected import Ending, possible_ends
from .programs import CONFIG, Hostile, hostile, real

BATCH = 20
"""Hostile images in a simulation: most of the time of a short one is its start."""
WATCHDOG = 1000
STALLS = {f"stall_{channel}": 100 for channel in ("ar", "r", "aw", "w", "b")}


def simulate(seeds: Sequence[int], *, swift: bool = False) -> Counter[str]:
    """Run the cases of seeds in one simulation, see ``simulate_images``.

    Args:
        swift: a memory without stalls.
    """
    return simulate_images({f"seed {seed}": hostile(seed) for seed in seeds}, seeds[0], swift=swift)


def simulate_images(cases: Mapping[str, Hostile], seed: int, *, swift: bool = False) -> Counter[str]:
    """Run cases in one simulation; every one ends as it may, writes its output alone, and leaves no trace.

    The window checker watches the bus of all runs. After each case a real network runs, after every second
    one behind a clear: then every byte of its output is the same, else those of its results.

    Args:
        cases: images by what they are. seed: of the stalls. swift: a memory without stalls.

    Returns:
        How they ended, by the name of the error.

    Raises:
        Broken: an end that the image cannot have, a byte written outside, or another result of the real
            network after a hostile image. sim.bench.BenchFailure: a burst outside the windows, another
            violation of the bus, or a run that does not end.
    """
    compiled, block = real(0)
    logits = compiled.read_output(Emulator(compiled.image, CONFIG).run(block))
    memory, turns, outputs = Memory(), [], []
    clean = (memory.place(compiled.image), memory.place(block))
    size = compiled.manifest["output"]["bytes"]

    def start(windows: tuple[Place, Place], output_bytes: int, *, clear: bool = False) -> None:
        outputs.append(memory.place(bytes([FILLING]) * output_bytes))
        turns.extend([Turn(None)] * clear)
        turns.append(Turn((*windows, outputs[-1])))

    start(clean, size, clear=True)
    for number, case in enumerate(cases.values()):
        given = bytes(range(256)) * (case.input_bytes // 256 + 1)
        start((memory.place(case.image), memory.place(given[: case.input_bytes])), case.output_bytes)
        start(clean, size, clear=number % 2 == 1)
    results, after = play(CONFIG, turns, memory, {} if swift else STALLS, seed, WATCHDOG)
    if (outside := changed_outside(bytes(memory.data), after, outputs)) is not None:
        raise Broken(f"byte {outside:#x} of memory was written, which lies in no window of an output")
    played = zip(turns, results, strict=True)
    seen = [(turn.windows, found) for turn, found in played if turn.windows is not None]
    blocks = [after[first : first + length] for first, length in outputs]
    ends: Counter[str] = Counter()
    for number, (name, case) in enumerate(cases.items()):
        ends[_judged(name, case, *seen[2 * number + 1])] += 1
        _, clean_run = seen[2 * number + 2]
        block = blocks[2 * number + 2]
        found = compiled.read_output(block)
        same = all((found[name] == values).all() for name, values in logits.items())
        # Lanes past the last channel keep what was there, but for a clear.
        same &= block == blocks[0] or number % 2 == 0
        if clean_run["STATUS"] != DONE or not same:
            raise Broken(f"{name}: the run of a real network is another one afterwards")
    return ends


def _judged(name: str, case: Hostile, windows: tuple[Place, ...], seen: dict[str, int]) -> str:
    """The name of the end, if it is one that the case may have."""
    bases = {base: windows[base][0] for base in Base}
    possible = possible_ends(case.image, case.windows, bases, CONFIG)
    error = Error(seen["STATUS"] >> 8 & 0xFF)
    found = Ending(error, seen["ERROR_INSTRUCTION"], seen["ERROR_ADDRESS"])
    if error is Error.WATCHDOG:
        found = Ending(error, -1, 0)  # whatever was looked at last
    if found not in possible:
        raise Broken(f"{name}: the core ended in {found}; it may end in {possible}")
    return error.name
