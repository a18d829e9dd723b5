"""Hostile images in number, in the simulated core and in the emulator, and a report."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.sim.bench import BenchFailure

from .emulated import Broken, emulate
from .simulated import BATCH, simulate

SHARE = 500
"""Cases in the emulator between two steps of the progress bar."""


def fuzz(simulated: int, emulated: int, seed: int, out: Path | None) -> None:
    """Run cases from ``seed`` on and show how they ended.

    Args:
        simulated, emulated: cases in the core and in the emulator. out: of the report, or None.

    Raises:
        PointwiseError: one broke a promise; the sentence names its seed or its batch.
    """
    console = Console()
    report: dict[str, dict[str, Any]] = {}
    with Progress(console=console) as progress:
        for name, count, step, work in (
            ("core", simulated, BATCH, simulate),
            ("emulator", emulated, SHARE, emulate),
        ):
            ends: Counter[str] = Counter()
            for first in progress.track(range(seed, seed + count, step), description=name):
                seeds = range(first, min(first + step, seed + count))
                try:
                    ends += work(seeds)
                except (Broken, BenchFailure) as error:
                    raise PointwiseError(
                        f"hostile images {seeds[0]} to {seeds[-1]} in the {name}: {error}; repeat with "
                        f"pointwise fuzz --hostile --seed {seeds[0]} --cases {len(seeds)}"
                        + (f" --emulated {len(seeds)}" if name == "emulator" else "")
                    ) from error
            report[name] = {"cases": ends.total(), "broken": 0, "ends": dict(sorted(ends.items()))}
    for name, found in report.items():
        told = ", ".join(f"{end} {count:,}" for end, count in found["ends"].items())
        console.print(f"{name}: {found['cases']:,} cases, no promise broken: {told}", soft_wrap=True)
    if out is not None:
        write_file(out, json.dumps({"seed": seed} | report, indent=2) + "\n")
