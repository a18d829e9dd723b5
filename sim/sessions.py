"""Random sessions: what a host does with one core in hours, in one simulation.

Two networks and their images lie in memory. They run in turn, again without being loaded anew, and between
them the core is cleared, gets damaged images, meets errors of the bus, is asked for what a busy core ignores,
and is reset in the middle of a run. After whatever came before, a run gives every tensor of the integer
model, and nothing outside the outputs is written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES
from pointwise.hw.contract.registers import WATCHDOG_DEFAULT, Error
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_image
from pointwise.model.engine import fuse
from pointwise.model.estimate import estimate
from pointwise.model.graph import Graph, run

from .compare import compare_tensors
from .system.turns import DONE, FILLING, Memory, Place, Turn, changed_outside, play

KINDS = ("run", "clear", "commands", "reset", "bad read", "bad write", "damaged")
"""What may happen; half of all are plain runs."""
TURNS = 12
PLAIN = 0.5


@dataclass(frozen=True)
class Event:
    """One turn, and what is to come of it.

    Attributes:
        kind: one of ``KINDS``. network: which of the session's. image: that runs.
        output: where its results go. error: that ends the run.
    """

    kind: str
    network: int = 0
    image: np.ndarray | None = None
    output: Place | None = None
    error: Error = Error.NONE


@dataclass(frozen=True)
class Played:
    """What came of a session: turns, tensors compared, cycles of the runs that ended, and what was wrong."""

    turns: int
    tensors: int
    cycles: int
    problems: tuple[str, ...]


class Session:
    """A session that is drawn from a seed.

    Args:
        networks: two, for the same core. config: of the core. seed: of all that is drawn here.
    """

    def __init__(self, networks: tuple[Graph, Graph], config: CoreConfig, seed: int) -> None:
        self.networks, self.config, self.seed = networks, config, seed
        self.rng = np.random.default_rng([seed, 6])
        self.compiled = [compile_network(network, config, trace=True) for network in networks]
        # Without the trace a run takes less, so what happens in this time happens in the middle of one.
        self.cycles = [estimate(network, config).cycles for network in networks]
        self.memory = Memory()
        self.images = [self.memory.place(compiled.image) for compiled in self.compiled]
        self.faults = {
            name: self.memory.place(
                bytes(max(compiled.manifest[block]["bytes"] for compiled in self.compiled))
            )
            for name, block in (("fault_read", "input"), ("fault_write", "output"))
        }
        self.events: list[Event] = []
        self.turns: list[Turn] = []
        for number in range(TURNS):
            # The last turn is a run, which finds out what the others left behind.
            plain = number == TURNS - 1 or self.rng.random() < PLAIN
            self._draw("run" if plain else KINDS[int(self.rng.integers(1, len(KINDS)))])

    def _draw(self, kind: str) -> None:
        """Draw a turn of a kind."""
        if kind == "clear":
            self.events.append(Event(kind))
            self.turns.append(Turn(None))
            return
        number = int(self.rng.integers(2))
        compiled, place = self.compiled[number], self.images[number]
        image = random_image(self.networks[number], int(self.rng.integers(1 << 30)))
        block = compiled.pack_input(image)
        size = compiled.manifest["output"]["bytes"]
        error, given = Error.NONE, None
        if kind == "damaged":
            damaged = bytearray(compiled.image)
            where = int(self.rng.integers(HEADER_BYTES, len(damaged) - TRAILER_BYTES))
            damaged[where] ^= 1 << int(self.rng.integers(8))
            place, error = self.memory.place(bytes(damaged)), Error.CHECKSUM
        if kind == "bad read":
            given, error = (self.faults["fault_read"][0], len(block)), Error.BUS_READ
        output = self.memory.place(bytes([FILLING]) * size)
        if kind == "bad write":
            output, error = (self.faults["fault_write"][0], size), Error.BUS_WRITE
        after = None
        if kind in ("commands", "reset"):
            after = int(self.rng.integers(1, max(2, self.cycles[number] // 2)))
        windows = (place, given or self.memory.place(block), output)
        self.events.append(Event(kind, number, image, output, error))
        self.turns.append(Turn(windows, after, "reset" if kind == "reset" else "commands"))

    def play(self, plusargs: dict[str, int], optimise: str = "-O0") -> Played:
        """Do all turns in a simulation, and compare.

        Args:
            plusargs: of the memory: its latency and stalls. optimise: of the simulator (``sim.build.build``).

        Raises:
            pointwise.sim.bench.BenchFailure: a run does not end, or breaks a rule of the bus.
        """
        faults = {name: f"{first:x}" for name, (first, _) in self.faults.items()}
        before = bytes(self.memory.data)
        results, after = play(
            self.config, self.turns, self.memory, plusargs | faults, self.seed, WATCHDOG_DEFAULT, optimise
        )
        problems, tensors, cycles = [], 0, 0
        outputs = [event.output for event in self.events if event.output is not None]
        if (outside := changed_outside(before, after, outputs)) is not None:
            problems.append(f"byte {outside:#x} of memory was written, which lies in no output")
        for number, (event, seen) in enumerate(zip(self.events, results, strict=True)):
            if seen is None:
                continue
            cycles += seen["CYCLES"]
            error, status = Error(seen["STATUS"] >> 8 & 0xFF), seen["STATUS"]
            if error is not event.error or (error is Error.NONE and status != DONE):
                problems.append(
                    f"turn {number} ({event.kind}) ended with status {status:#x}; expected {event.error.name}"
                )
            elif event.output is not None and event.image is not None and error is Error.NONE:
                first, size = event.output
                network = self.networks[event.network]
                got = self.compiled[event.network].read_output(after[first : first + size])
                mismatches = compare_tensors(network, run(network, event.image), got, number)
                problems += [f"turn {number} ({event.kind}): {mismatch}" for mismatch in mismatches[:1]]
                tensors += len(fuse(network))
        return Played(len(self.turns), tensors, cycles, tuple(problems))
