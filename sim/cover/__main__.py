"""``python -m pointwise.sim.cover COUNT``: measure, and write docs/results/hardware_coverage.json.

What rises or falls nowhere, and has no reason yet, is told at the end.
"""

import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.progress import Progress

from pointwise.hw.contract.files import write_file
from pointwise.sim.build import COVERAGE
from pointwise.sim.hostile.programs import CONFIG

from .counts import Counts
from .points import cover_points
from .report import report, unmet_bits
from .workload import parts

COUNT = 40
PATH = Path("docs/results/hardware_coverage.json")
TOLD = 40
"""Signals at most that are told of at the end."""


def main(count: int, path: Path) -> None:
    """Measure ``count`` parts of each kind, and write a report."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        os.environ[COVERAGE] = folder
        for _, run in progress.track(list(parts(count)), description="coverage"):
            run()
            for file in Path(folder).glob("*.dat"):
                counts.read(file)
                file.unlink()
            told = {"command": f"python -m pointwise.sim.cover {count}", "core": asdict(CONFIG)}
            write_file(path, json.dumps(told | report(counts, cover_points(CONFIG)), indent=1) + "\n")
    for name, bits in unmet_bits(counts).most_common(TOLD):
        print(f"{name}: {bits} rises or falls not met, without a reason")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT, Path(sys.argv[2]) if len(sys.argv) > 2 else PATH)
