"""``pointwise sim``: a network on a simulated core, every bit compared with the integer model."""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import Cause
from pointwise.model.compiler import Compiled, compile_network
from pointwise.model.engine import fuse
from pointwise.model.evaluate.arrays import best
from pointwise.model.graph import Graph
from pointwise.model.graph import run as run_model
from pointwise.model.parallel import Executor, Job, Local, Record, complete, digest_of
from pointwise.model.quantise import patchify

from .compare import Mismatch, check_errors, compare_tensors, first_difference
from .system.parts import Inputs, restored, runs
from .system.run import CoreRun
from .system.timeline import Timeline
from .workload import Workload

SIMULATORS = 2
"""Simulator processes at a time on this machine."""
PART = 64
"""The most images that a simulator runs before it gives results."""
PLAIN, TRACED = "plain", "traced"
"""The compiled network, and the same with every tensor stored."""
LONGEST = 1 << 22
"""Characters of an output that a file of results holds; a longer one is simulated again."""


@dataclass(frozen=True)
class Simulation:
    """What a run gave; ``pointwise.sim.reporting`` makes tables, JSON, a picture and a page of it.

    Attributes:
        tensors_compared: tensors of the traced image, and one result for every other image.
        logits: (images, classes) of the hardware.
        cycles, causes, timeline: of the first image, run without trace.
        simulated_cycles: all cycles that were simulated, seconds: the real time that they took.
    """

    workload: Workload
    config: CoreConfig
    compiled: Compiled
    tensors_compared: int
    mismatches: tuple[Mismatch, ...]
    top1_float: float | None
    top1_int: float | None
    top1_hw: float | None
    logits: np.ndarray
    cycles: int
    check_cycles: int
    causes: dict[Cause, int]
    timeline: Timeline
    simulated_cycles: int
    seconds: float
    memory: dict[str, object] = field(default_factory=dict)
    waves: Path | None = None

    def __repr__(self) -> str:
        core = f"{self.config.rows}×{self.config.cols}"
        differ = f"{len(self.mismatches)} of {self.tensors_compared} tensors differ"
        return (
            f"Simulation({self.workload.name!r} on {core}: {self.cycles:,} cycles, "
            f"utilisation {self.utilisation:.1%}, {differ})"
        )

    @property
    def utilisation(self) -> float:
        """Useful multiply-accumulates over what the array could have done in these cycles."""
        return self.workload.network.macs / (self.config.rows * self.config.cols * self.cycles)


def simulate(
    workload: Workload,
    config: CoreConfig,
    *,
    trace: bool = True,
    memory: dict[str, object] | None = None,
    seed: int = 1,
    waves: bool = False,
    executor: Executor | None = None,
    results: Path | None = None,
    step: Callable[[str], None] = lambda text: None,
) -> Simulation:
    """Compile, run on the simulated core, and compare.

    The first image runs with every tensor stored and compared (``trace``); then all images run without, in
    several simulator processes, and their results are compared.

    Args:
        memory: plusargs of the simulated DRAM: latency, stalls. seed: of the stalls.
        waves: write those of the first image.
        executor: what runs the simulators; two at a time here unless given.
        results: folder for a file of what is done, from which an interrupted run goes on; it is removed at
            the end.
        step: told what is being done.

    Raises:
        hw.contract.errors.PointwiseError: the network does not fit the core, or the core ended in an error.
    """
    network = workload.network
    patches = patchify(network, workload.images)
    step("integer model")
    expected = [run_model(network, image) for image in patches]
    step("compiler")
    compiled = compile_network(network, config)
    traced = compile_network(network, config, trace=True) if trace else None
    memory = {"latency": 40, **(memory or {})}
    budget = 20 * network.macs // (config.rows * config.cols) + 4 * len(compiled.image) + 1_000_000

    programs = {PLAIN: compiled} | ({TRACED: traced} if traced else {})
    job = runs(programs, config, waves=waves, memory=memory, seed=seed, timeout_cycles=budget)
    count = len(patches)
    chunks = min(count, max(SIMULATORS, -(-count // PART)))
    parts = [range(count)[i::chunks] for i in range(chunks)]
    given = {
        str(index): Inputs(
            PLAIN,
            tuple(compiled.pack_input(patches[i]) for i in part),
            timeline=part[0] == 0,
            waves=part[0] == 0 and not trace,
        )
        for index, part in enumerate(parts)
    }
    if traced:
        given = {TRACED: Inputs(TRACED, (traced.pack_input(patches[0]),), waves=True), **given}

    step("simulation")
    started = time.monotonic()
    done = _done(job, given, executor or Local(SIMULATORS), results, step)
    seconds = time.monotonic() - started
    traced_run = restored(done[TRACED]) if traced else None
    core_runs = [restored(done[str(index)]) for index in range(chunks)]

    step("comparison")
    outputs, mismatches = _outputs(compiled, network, expected, dict(zip(parts, core_runs, strict=True)))
    compared = len(outputs)
    if traced is not None and traced_run is not None:
        check_errors(traced_run)
        mismatches[:0] = compare_tensors(network, expected[0], traced.read_output(traced_run.outputs[0]))
        compared += len(fuse(network))
    logits = network.real(network.output, np.stack([outputs[i] for i in range(count)])).reshape(count, -1)
    integer = network.real(network.output, np.stack([e[network.output] for e in expected])).reshape(count, -1)
    step("float model")
    floats = _float_results(workload)
    timeline = core_runs[0].timeline
    assert timeline is not None  # noted, as the first image ended without an error
    every = [
        run for core_run in [*core_runs, *([traced_run] if traced_run else [])] for run in core_run.images
    ]
    return Simulation(
        workload=workload,
        config=config,
        compiled=compiled,
        tensors_compared=compared,
        mismatches=tuple(mismatches),
        top1_float=_top1(floats, workload.labels),
        top1_int=_top1(integer, workload.labels),
        top1_hw=_top1(logits, workload.labels),
        logits=logits,
        cycles=core_runs[0].images[0].cycles,
        check_cycles=core_runs[0].images[0].check_cycles,
        causes=core_runs[0].images[0].causes,
        timeline=timeline,
        simulated_cycles=sum(run.cycles + run.check_cycles for run in every),
        seconds=seconds,
        memory=memory,
        waves=(traced_run or core_runs[0]).waves,
    )


def _done(
    job: Job,
    given: dict[str, Inputs],
    executor: Executor,
    results: Path | None,
    step: Callable[[str], None],
) -> dict[str, Any]:
    """What the parts of the simulation came to, by name; see ``simulate``."""
    with ExitStack() as stack:
        folder = results or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        digest = digest_of(job.digest, given)
        record = stack.enter_context(Record(folder / f"parts-{digest[:12]}.jsonl", job.name, digest))
        done = complete(
            job,
            given,
            record,
            executor,
            progress=lambda done, total: step(f"simulation, {done} of {total} parts"),
            # Every tensor of a large network is more than a line of a file should hold.
            final=lambda result: len(result["outputs"][0]) <= LONGEST,
        )
        record.path.unlink()
    return done


def _outputs(
    compiled: Compiled,
    network: Graph,
    expected: list[dict[str, np.ndarray]],
    runs: dict[range, CoreRun],
) -> tuple[dict[int, np.ndarray], list[Mismatch]]:
    """The network's output of each image, by its number, and those that are not what was expected.

    Args:
        runs: without trace, by the numbers of their images.
    """
    name = network.output
    outputs: dict[int, np.ndarray] = {}
    mismatches: list[Mismatch] = []
    for part, core_run in runs.items():
        check_errors(core_run)
        for image, block in zip(part, core_run.outputs, strict=True):
            outputs[image] = compiled.read_output(block)[name]
            difference = first_difference(image, name, name, expected[image][name], outputs[image])
            mismatches += [difference] if difference else []
    return outputs, mismatches


def _float_results(workload: Workload) -> np.ndarray | None:
    """The real network's results, where they tell anything: one image at a time, as memory is."""
    if workload.source is None or workload.labels is None:
        return None
    images = workload.source.check_inputs(workload.images, "evaluation")
    return np.concatenate([workload.source.results(image[None]) for image in images])


def _top1(results: np.ndarray | None, labels: np.ndarray | None) -> float | None:
    """Part of the images whose largest result is that of their label, where both are known."""
    if results is None or labels is None:
        return None
    return float(np.mean(best(results)[:, 0] == labels))
