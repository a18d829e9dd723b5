"""Runs a compiled network on a simulated core."""

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointwise.hw.contract.image import align
from pointwise.hw.contract.registers import ERROR_TEXT, WATCHDOG_DEFAULT, Cause, Error
from pointwise.model.compiler import Compiled
from pointwise.sim.bench import run
from pointwise.sim.build import Build

from .timeline import Timeline, parse
from .views import write_views

PAGE = 4096
BENCH = Path(__file__).with_name("bench_core.py")


@dataclass(frozen=True)
class ImageRun:
    """What the core's registers said after one input.

    Attributes:
        cycles: from the end of the image check to done. check_cycles: spent on that check.
        causes: cycles by ``Cause``; their sum is ``cycles``.
        error: why the run stopped, Error.NONE when it did not. error_address, error_instruction: details.
    """

    cycles: int
    check_cycles: int
    causes: dict[Cause, int]
    error: Error
    error_address: int
    error_instruction: int


@dataclass(frozen=True)
class CoreRun:
    """Outputs and registers of all inputs.

    Attributes:
        images: per input that was started. outputs: the output blocks, as bytes.
        seconds: real time of the simulation. waves: the wave file, if one was asked for.
        timeline: of the first input, if it was asked for and ended without an error.
    """

    images: tuple[ImageRun, ...]
    outputs: tuple[bytes, ...]
    seconds: float
    waves: Path | None
    timeline: Timeline | None = None


def run_core(
    simulator: Build,
    compiled: Compiled,
    inputs: Sequence[bytes],
    *,
    image: bytes | None = None,
    image_bytes: int | None = None,
    input_bytes: int | None = None,
    output_bytes: int | None = None,
    after_error: bool = False,
    plusargs: Mapping[str, object] | None = None,
    timeout_cycles: int = 100_000_000,
    timeout_seconds: float = 3600.0,
    watchdog: int = WATCHDOG_DEFAULT,
    seed: int = 1,
    violations_allowed: bool = False,
    timeline: bool = False,
    waves: bool = True,
) -> CoreRun:
    """Put image and inputs into the simulated DRAM, start the core once for each input, fetch the outputs.

    Args:
        simulator: from ``pointwise.sim.system.testbench.build_core``.
        inputs: input blocks (``Compiled.pack_input``), all of one size.
        image: other bytes in place of the compiled image, to see them refused.
        image_bytes, input_bytes, output_bytes: the lengths that the core is told, if not those of image and
            blocks.
        after_error: start the next input even after an error.
        plusargs: latency, stalls and faults of the memory (``sim/rtl/axi_dram.sv``).
        timeout_cycles: after which a run without an interrupt fails the bench.
        timeline: note when the convolutions of the first input ran.
        waves: write them, and beside them what viewers show of them, if the simulator was built to.

    Raises:
        pointwise.sim.bench.BenchFailure: the bench failed: no interrupt, or a bus protocol violation.
    """
    image = compiled.image if image is None else image
    block_bytes = compiled.manifest["output"]["bytes"]
    input_stride, output_stride = align(max(map(len, inputs)), PAGE), align(block_bytes, PAGE)
    input_base = align(len(image), PAGE)
    output_base = input_base + input_stride * len(inputs)
    end = output_base + output_stride * len(inputs)
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder, f"{name}.bin") for name in ("image", "inputs", "dump")}
        results, times = Path(folder, "results.json"), Path(folder, "timeline.txt")
        files["image"].write_bytes(image)
        files["inputs"].write_bytes(b"".join(block.ljust(input_stride, b"\0") for block in inputs))
        started = time.monotonic()
        result = run(
            simulator,
            BENCH,
            plusargs={
                "mem_bytes": end,
                "image": files["image"],
                "inputs": files["inputs"],
                "inputs_base": f"{input_base:x}",
                "dump": files["dump"],
                "limit": f"{end:x}",
                "seed": seed,
                "timeline": times if timeline else None,
                **(plusargs or {}),
            },
            config={
                "image_base": 0,
                "image_bytes": len(image) if image_bytes is None else image_bytes,
                "after_error": after_error,
                "input_base": input_base,
                "input_stride": input_stride,
                "input_bytes": len(inputs[0]) if input_bytes is None else input_bytes,
                "output_base": output_base,
                "output_stride": output_stride,
                "output_bytes": block_bytes if output_bytes is None else output_bytes,
                "count": len(inputs),
                "timeout_cycles": timeout_cycles,
                "watchdog": watchdog,
                "results": str(results),
            },
            seed=seed,
            timeout=timeout_seconds,
            violations_allowed=violations_allowed,
            waves=waves,
        )
        seconds = time.monotonic() - started
        images = tuple(_image_run(seen) for seen in json.loads(results.read_text()))
        dumped = files["dump"].read_bytes()
        timed = parse(times.read_text()) if timeline and images[0].error == Error.NONE else None
    if result.waves:
        write_views(result.waves, compiled.config)
    outputs = tuple(dumped[i * output_stride : i * output_stride + block_bytes] for i in range(len(images)))
    return CoreRun(images, outputs, seconds, result.waves, timed)


def explain(outcome: ImageRun) -> str:
    """A sentence for a run that ended in an error."""
    where = f"instruction {outcome.error_instruction}"
    if outcome.error in (Error.BUS_READ, Error.BUS_WRITE, Error.WINDOW):
        where = f"address {outcome.error_address:#x}, {where}"
    return f"the core stopped with {outcome.error.name} at {where}: {ERROR_TEXT[outcome.error]}"


def _image_run(seen: Mapping[str, Any]) -> ImageRun:
    return ImageRun(
        cycles=seen["CYCLES"],
        check_cycles=seen["CHECK_CYCLES"],
        causes=dict(zip(Cause, seen["causes"], strict=True)),
        error=Error(seen["STATUS"] >> 8 & 0xFF),
        error_address=seen["ERROR_ADDRESS"],
        error_instruction=seen["ERROR_INSTRUCTION"],
    )
