"""Runs of a core as parts of work: some inputs each, on whatever machine, with JSON-able results."""

import dataclasses
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import Cause, Error
from pointwise.model.compiler import Compiled
from pointwise.model.parallel import Job, code_digest, digest_of

from .run import CoreRun, ImageRun, run_core
from .testbench import build_core
from .timeline import Span, Timeline


@dataclass(frozen=True)
class Inputs:
    """A part: input blocks for one run of the simulator.

    Attributes:
        program: name of the compiled network. blocks: as ``Compiled.pack_input`` gives them.
        timeline: note when the convolutions of the first input ran. waves: write them, where any are.
    """

    program: str
    blocks: tuple[bytes, ...]
    timeline: bool = False
    waves: bool = False


def runs(
    programs: Mapping[str, Compiled],
    config: CoreConfig,
    *,
    waves: bool,
    memory: Mapping[str, object],
    seed: int,
    timeout_cycles: int,
) -> Job:
    """The work of running inputs on a core; a part is ``Inputs``, its result what ``stored`` gives."""
    images = {name: program.image for name, program in programs.items()}
    options = {"plusargs": dict(memory), "seed": seed, "timeout_cycles": timeout_cycles}
    return Job(
        "simulate",
        partial(_Runner, dict(programs), config, waves, options),
        digest_of(images, config, waves, options, code_digest()),
        programs=True,
        limit=48 * 3600.0,
    )


class _Runner:
    """Runs inputs on a simulator that is compiled once on each machine."""

    def __init__(
        self, programs: dict[str, Compiled], config: CoreConfig, waves: bool, options: dict[str, Any]
    ) -> None:
        self.programs, self.options = programs, options
        self.simulator = build_core(config, waves=waves)

    def __call__(self, part: Inputs) -> dict[str, Any]:
        program = self.programs[part.program]
        notes = {"timeline": part.timeline, "waves": part.waves}
        return stored(run_core(self.simulator, program, part.blocks, **notes, **self.options))


def stored(run: CoreRun) -> dict[str, Any]:
    """A run, JSON-able."""
    return {
        "images": [dataclasses.asdict(image) | {"causes": _names(image.causes)} for image in run.images],
        "outputs": [b64encode(output).decode() for output in run.outputs],
        "seconds": run.seconds,
        "waves": str(run.waves) if run.waves else None,
        "timeline": run.timeline
        and {
            **dataclasses.asdict(run.timeline),
            "spans": [
                dataclasses.asdict(span) | {"causes": _names(span.causes)} for span in run.timeline.spans
            ],
        },
    }


def restored(values: Mapping[str, Any]) -> CoreRun:
    """The run of which ``stored`` made these values."""
    timeline = values["timeline"]
    return CoreRun(
        images=tuple(
            ImageRun(**{**image, "causes": _causes(image["causes"]), "error": Error(image["error"])})
            for image in values["images"]
        ),
        outputs=tuple(map(b64decode, values["outputs"])),
        seconds=values["seconds"],
        waves=Path(values["waves"]) if values["waves"] else None,
        timeline=timeline
        and Timeline(
            **{
                **timeline,
                "spans": tuple(
                    Span(**{**span, "causes": _causes(span["causes"])}) for span in timeline["spans"]
                ),
            }
        ),
    )


def _names(causes: Mapping[Cause, int]) -> dict[str, int]:
    return {cause.name: cycles for cause, cycles in causes.items()}


def _causes(names: Mapping[str, int]) -> dict[Cause, int]:
    return {Cause[name]: cycles for name, cycles in names.items()}
