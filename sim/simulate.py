"""``pointwise sim``: a network on a simulated core, every bit compared with the integer model."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hw.contract.config import CoreConfig
from hw.contract.registers import Cause
from model.compiler import Compiled, compile_network
from model.engine import fuse
from model.evaluate import compare, float_logits
from model.graph import run as run_model
from model.quantise import patchify

from .build import Build
from .compare import Mismatch, check_errors, compare_tensors, first_difference
from .system.run import CoreRun, run_core
from .system.timeline import Timeline
from .workload import Workload

SIMULATORS = 2
"""Simulator processes at a time."""


@dataclass(frozen=True)
class Simulation:
    """What a run gave; ``sim.reporting`` makes tables, JSON, a picture and a page of it.

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

    @property
    def utilisation(self) -> float:
        """Useful multiply-accumulates over what the array could have done in these cycles."""
        return self.workload.network.macs / (self.config.rows * self.config.cols * self.cycles)


def simulate(
    workload: Workload,
    config: CoreConfig,
    simulator: Build,
    *,
    trace: bool = True,
    memory: dict[str, object] | None = None,
    seed: int = 1,
    step: Callable[[str], None] = lambda text: None,
) -> Simulation:
    """Compile, run on the simulated core, and compare.

    The first image runs with every tensor stored and compared (``trace``); then all images run without, in
    several simulator processes, and their results are compared.

    Args:
        memory: plusargs of the simulated DRAM: latency, stalls. seed: of the stalls.
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

    def run_part(program: Compiled, part: Sequence[int], timeline: bool = False) -> CoreRun:
        blocks = [program.pack_input(patches[i]) for i in part]
        return run_core(
            simulator, program, blocks, plusargs=memory, timeout_cycles=budget, seed=seed, timeline=timeline
        )

    step("simulation")
    started = time.monotonic()
    count = len(patches)
    parts = [range(count)[i::SIMULATORS] for i in range(min(SIMULATORS, count))]
    with ThreadPoolExecutor(SIMULATORS) as pool:
        first = pool.submit(run_part, traced, [0]) if traced else None
        futures = [pool.submit(run_part, compiled, part, timeline=part[0] == 0) for part in parts]
        traced_run = first.result() if first else None
        runs = [future.result() for future in futures]
    seconds = time.monotonic() - started

    step("comparison")
    mismatches: list[Mismatch] = []
    compared = 0
    if traced_run is not None:
        check_errors(traced_run)
        mismatches += compare_tensors(network, expected[0], traced.read_output(traced_run.outputs[0]))
        compared += len(fuse(network))
    results = {}
    for part, core_run in zip(parts, runs, strict=True):
        check_errors(core_run)
        for image, block in zip(part, core_run.outputs, strict=True):
            results[image] = compiled.read_output(block)[network.output]
            difference = first_difference(
                image, network.output, network.output, expected[image][network.output], results[image]
            )
            mismatches += [difference] if difference else []
            compared += 1
    logits = network.real(network.output, np.stack([results[i][0] for i in range(count)]))
    integer = network.real(network.output, np.stack([e[network.output][0] for e in expected]))
    step("float model")
    floats = float_logits(workload.checkpoint.state, workload.checkpoint.config, workload.images)
    by_hardware = compare(floats, logits, workload.labels)
    by_model = compare(floats, integer, workload.labels)
    labelled = workload.labels is not None
    every = [run for core_run in [*runs, *([traced_run] if traced_run else [])] for run in core_run.images]
    return Simulation(
        workload=workload,
        config=config,
        compiled=compiled,
        tensors_compared=compared,
        mismatches=tuple(mismatches),
        top1_float=by_model.top1_float / 100 if labelled else None,
        top1_int=by_model.top1_integer / 100 if labelled else None,
        top1_hw=by_hardware.top1_integer / 100 if labelled else None,
        logits=logits,
        cycles=runs[0].images[0].cycles,
        check_cycles=runs[0].images[0].check_cycles,
        causes=runs[0].images[0].causes,
        timeline=runs[0].timeline,
        simulated_cycles=sum(run.cycles + run.check_cycles for run in every),
        seconds=seconds,
        memory=memory,
        waves=(traced_run or runs[0]).waves,
    )
