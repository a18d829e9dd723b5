"""Random cores, networks and bus behaviour from one number, run and compared; sessions among them."""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.analysis import analyse
from pointwise.model.compiler.cuts import Cuts
from pointwise.model.compiler.planning import find_plan, plan_in_dram
from pointwise.model.compiler.plans import Planned
from pointwise.model.compiler.random_network import random_image, random_network
from pointwise.model.compiler.random_pictures import random_pictures
from pointwise.model.compiler.shapes import random_config
from pointwise.model.engine import fuse
from pointwise.model.graph import Graph, run
from pointwise.model.graph.ops import Conv2d
from pointwise.model.parallel import Job, code_digest, digest_of
from pointwise.sim.build import Build

from .bench import BenchFailure
from .compare import Mismatch, check_errors, compare_tensors
from .sessions import Played, Session
from .system.run import run_core
from .system.testbench import build_core

CHANNELS = ("ar", "aw", "w", "r", "b")
MOST_SIDE, MOST_TOKENS = 6, 20
"""Of random pictures, which then fit every core of ``random_config``."""
LARGE_SIDE, LARGE_CHANNELS = 20, 12
"""Of those that wait in DRAM."""
SMALL_KIB = (1, 2, 4, 8, 16)
"""Sizes of activation SRAM that programs are planned for besides the core's own."""
SESSION_EVERY = 4
"""Of so many seeds the last is a session."""
OTHER = 1 << 32
"""From a session's seed to that of its other network."""
CYCLES = 5_000_000
"""More than any random network takes."""


@dataclass(frozen=True)
class Outcome:
    """What came of one case: how it was drawn, the cycles that it took and what differed."""

    seed: int
    config: CoreConfig
    memory: dict[str, int]
    cycles: int
    tensors: int
    mismatches: tuple[Mismatch, ...]


def random_memory(seed: int) -> dict[str, int]:
    """Plusargs of the DRAM: a latency, and in three cases of four stalls on every channel, up to half the
    cycles; in one of eight what is read comes so slowly that it is what everything else waits for."""
    rng = np.random.default_rng([seed, 4])
    memory = {"latency": int(rng.integers(1, 60))}
    if rng.integers(4):
        memory |= {f"stall_{channel}": int(rng.integers(0, 500)) for channel in CHANNELS}
    if rng.integers(8) == 0:
        memory["stall_r"] = int(rng.integers(700, 950))
    return memory


def drawn_network(seed: int) -> Graph:
    """A network of tokens, or one of pictures, with attention behind them where it draws so."""
    if np.random.default_rng([seed, 5]).integers(2):
        return random_network(seed)
    return random_pictures(seed, MOST_SIDE, attention_tokens=MOST_TOKENS)


def drawn_plan(seed: int, config: CoreConfig) -> tuple[Graph, Planned | None]:
    """The network of a seed, and in half of the cases a plan for less of the activation SRAM than there is.

    Tensors are then made in slices or wait in DRAM, and pictures, larger ones than otherwise, as many of them
    as can. A size with which there is no plan is doubled; where none does the network is planned as usual.
    """
    network, rng = drawn_network(seed), np.random.default_rng([seed, 6])
    if rng.integers(2):
        return network, None
    sizes = SMALL_KIB[int(rng.integers(len(SMALL_KIB))) :]
    if any(isinstance(op, Conv2d) for op in network.ops) and rng.integers(4):
        large = random_pictures(seed, LARGE_SIDE, LARGE_CHANNELS, attention_tokens=MOST_TOKENS)
        for act_kib in sizes:
            small = replace(config, act_kib=act_kib)
            with suppress(PointwiseError):  # rows that are longer than what the core takes at once
                analysis = analyse(large, small)
                if (plan := plan_in_dram(analysis, small)) is not None:
                    return large, {config: (analysis, plan)}
    for act_kib in sizes:
        small = replace(config, act_kib=act_kib)
        analysis = analyse(network, small)
        if (plan := find_plan(analysis, small, Cuts(analysis, small))) is not None:
            return network, {config: (analysis, plan)}
    return network, None


def run_network(
    simulator: Build,
    config: CoreConfig,
    network: Graph,
    seed: int,
    memory: dict[str, int],
    cycles: int = CYCLES,
    plans: Planned | None = None,
) -> Outcome:
    """Compile a network with trace, run one random image on a core and compare every tensor.

    Args:
        seed: of the image and of the memory's stalls. memory: plusargs of the DRAM.
        cycles: after which the core has got stuck. plans: as of ``compile_network``.

    Raises:
        hw.contract.errors.PointwiseError: the core ended in an error. sim.bench.BenchFailure: it did not end,
            or broke a rule of the bus.
    """
    compiled = compile_network(network, config, trace=True, plans=plans)
    image = random_image(network, seed)
    result = run_core(
        simulator, compiled, [compiled.pack_input(image)], plusargs=memory, seed=seed, timeout_cycles=cycles
    )
    check_errors(result)
    got = compiled.read_output(result.outputs[0])
    mismatches = compare_tensors(network, run(network, image), got)
    return Outcome(seed, config, memory, result.images[0].cycles, len(fuse(network)), tuple(mismatches))


def run_case(seed: int, cores: int) -> Outcome:
    """Run the case of a seed; the core is one of ``cores`` that are drawn themselves, so that builds are
    shared."""
    config = random_config(seed % cores)
    simulator = build_core(config, optimise="-O0")
    network, plans = drawn_plan(seed, config)
    return run_network(simulator, config, network, seed, random_memory(seed), plans=plans)


def run_session(seed: int, cores: int) -> Played:
    """Run the session of a seed, of two networks on one core (``sim.sessions``)."""
    networks = drawn_network(seed), drawn_network(seed + OTHER)
    return Session(networks, random_config(seed % cores), seed).play(random_memory(seed))


def cases(cores: int) -> Job:
    """The work of many cases; a part is a seed, and its result what ``Cases`` gives."""
    return Job(
        "fuzz",
        partial(Cases, cores),
        digest_of(cores, code_digest()),
        repeat=lambda seed: repeat(seed, cores),
    )


def repeat(seed: int, cores: int) -> str:
    """The command that repeats a case."""
    return f"pointwise fuzz --cases 1 --seed {seed} --cores {cores}"


class Cases:
    """Runs cases: how many tensors and cycles each took, and in a sentence what was wrong, if anything."""

    def __init__(self, cores: int) -> None:
        self.cores = cores

    def __call__(self, seed: int) -> dict[str, int | str | None]:
        try:
            if seed % SESSION_EVERY == SESSION_EVERY - 1:
                outcome = run_session(seed, self.cores)
                problems = outcome.problems
            else:
                outcome = run_case(seed, self.cores)
                problems = tuple(map(str, outcome.mismatches))
        except (PointwiseError, BenchFailure) as error:
            return {"tensors": 0, "cycles": 0, "problem": str(error)}
        problem = problems[0] if problems else None
        return {"tensors": outcome.tensors, "cycles": outcome.cycles, "problem": problem}
