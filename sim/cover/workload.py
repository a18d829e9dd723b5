"""What coverage is measured on, all on one small core: what ``pointwise fuzz`` does with cores, and more.

Networks with every tensor compared, sessions, hostile images, images that are refused, errors of the bus and
memories that do not answer. What a part finds wrong ends the measure.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import count as numbers
from itertools import product
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import HEADER_BYTES, HEADER_WORDS, TRAILER_BYTES, seal
from pointwise.hw.contract.isa import Opcode
from pointwise.hw.contract.legal import used_fields
from pointwise.hw.contract.registers import Error
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.plans import Planned
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import random_shape
from pointwise.model.graph import Graph
from pointwise.sim.bench import run
from pointwise.sim.compare import check_errors
from pointwise.sim.fuzz import CHANNELS, drawn_network, drawn_plan, random_memory, run_network
from pointwise.sim.hostile.programs import CONFIG, edged, real
from pointwise.sim.hostile.simulated import BATCH, simulate, simulate_images
from pointwise.sim.sessions import Session
from pointwise.sim.system.run import run_core
from pointwise.sim.system.testbench import build_core

from .crowded import crowded

OPTIMISE = "-O1"
"""Of the simulator; hostile images and sessions share it with the rest."""
BENCH = Path(__file__).with_name("bench_registers.py")
FEW, CHANNELS_OF_FEW = 3, 24
"""Tokens, and channels, of networks whose tiles are shorter than what loads them."""
WATCHDOG = 500
STILL = 1000
"""Per mille of the cycles in which a channel stalls that never answers."""
WORD_BYTES = 4
ONES = 0xFFFFFFFF
REFUSED = {
    "magic": (ONES, Error.MAGIC),
    "version": (ONES, Error.VERSION),
    "shape": (ONES, Error.SHAPE),
    "length": (ONES, Error.LENGTH),
    "act_words": (ONES, Error.MEMORY),
    "program_length": (1, Error.PROGRAM),
}
"""Values of words of the header, and the error that each ends in."""
Part = tuple[str, Callable[[], object]]
"""What is done, in words, and what does it."""


def parts(count: int) -> Iterator[Part]:
    """The workload: a part at a time.

    Args:
        count: networks, networks of few tokens, sessions and batches of ``BATCH`` hostile images: of each.
    """
    yield from refusals()
    yield "registers", _registers
    yield from edges()
    planned = _fitting(lambda seed: drawn_plan(seed, CONFIG))
    plain = _fitting(lambda seed: (drawn_network(seed), None))
    short = _fitting(lambda seed: (random_network(seed, random_shape(seed, FEW, CHANNELS_OF_FEW)), None))
    for seed in range(count):
        yield f"network {seed}", partial(_network, *next(planned), seed)
        yield f"few tokens {seed}", partial(_network, *next(short), seed)
        (one, _), (other, _) = next(plain), next(plain)
        yield f"session {seed}", partial(_session, (one, other), seed)
        batch = range(seed * BATCH, (seed + 1) * BATCH)
        yield f"hostile images {batch[0]}", partial(simulate, batch)
        yield f"crowded programs {batch[0]}", partial(_crowded, batch)


def refusals() -> Iterator[Part]:
    """A part for each error that the check of an image, the bus or the watchdog ends a run with."""
    compiled, _ = real(0)
    image = bytes(compiled.image)
    for name, (value, error) in REFUSED.items():
        changed = bytearray(image[:-TRAILER_BYTES])
        place = WORD_BYTES * HEADER_WORDS.index(name)
        changed[place : place + WORD_BYTES] = value.to_bytes(WORD_BYTES, "little")
        yield error.name, partial(_refused, error, image=seal(bytes(changed)))
    damaged = bytearray(image)
    damaged[HEADER_BYTES] ^= 1
    yield Error.CHECKSUM.name, partial(_refused, Error.CHECKSUM, image=bytes(damaged))
    for nth in (1, 2):  # by the check, by the run
        faults = {"fault_read": f"{HEADER_BYTES:x}", "fault_read_nth": nth}
        yield f"read {nth} fails", partial(_refused, Error.BUS_READ, plusargs=faults)
    for channel in CHANNELS:
        stalls = {f"stall_{channel}": STILL}
        yield f"{channel} still", partial(_refused, Error.WATCHDOG, plusargs=stalls, watchdog=WATCHDOG)


def _fitting(draw: Callable[[int], tuple[Graph, Planned | None]]) -> Iterator[tuple[Graph, Planned | None]]:
    """What is drawn and has room in the core."""
    for seed in numbers():
        network, plans = draw(seed)
        with suppress(PointwiseError):
            compile_network(network, CONFIG, trace=True, plans=plans)
            yield network, plans


def edges() -> Iterator[Part]:
    """Images with each field of an instruction at each end of its range, ``BATCH`` at a time."""
    found = {}
    for opcode in (Opcode.CONV, Opcode.LOAD, Opcode.STORE):
        for name, greatest in product(used_fields(opcode), (False, True)):
            image = edged(opcode, name, greatest)
            if image is not None:
                found[f"{opcode.name}.{name} {'greatest' if greatest else 'least'}"] = image
    names = list(found)
    for first in range(0, len(names), BATCH):
        images = {name: found[name] for name in names[first : first + BATCH]}
        yield f"fields {first}", partial(simulate_images, images, first)


def _crowded(seeds: Sequence[int]) -> None:
    simulate_images({f"program {seed}": crowded(seed) for seed in seeds}, seeds[0])


def _registers() -> None:
    run(build_core(CONFIG, optimise=OPTIMISE), BENCH)


def _network(network: Graph, plans: Planned | None, seed: int) -> None:
    simulator = build_core(CONFIG, optimise=OPTIMISE)
    outcome = run_network(simulator, CONFIG, network, seed, random_memory(seed), plans=plans)
    if outcome.mismatches:
        raise PointwiseError(f"network {seed}: {outcome.mismatches[0]}")


def _session(networks: tuple[Graph, Graph], seed: int) -> None:
    played = Session(networks, CONFIG, seed).play(random_memory(seed), OPTIMISE)
    if played.problems:
        raise PointwiseError(f"session {seed}: {played.problems[0]}")


def _refused(error: Error, **changes: object) -> None:
    """Run a network that should end in an error, and after it that should not."""
    compiled, block = real(0)
    simulator = build_core(CONFIG, optimise=OPTIMISE)
    result = run_core(simulator, compiled, [block], **changes)  # pyright: ignore[reportArgumentType]
    if result.images[0].error is not error:
        raise PointwiseError(f"a run ended in {result.images[0].error.name}; expected {error.name}")
    check_errors(run_core(simulator, compiled, [block]))
