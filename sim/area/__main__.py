"""``python -m pointwise.sim.area``: synthesise the cores that the area model is fitted to; half an hour."""

import dataclasses
import json
import sys
import time
from pathlib import Path

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.files import write_file
from pointwise.sim.fpga.tools import Tools

from .model import FITTED, fitted
from .synthesis import resources

CORES = (
    # rows, cols, lanes, tokens, act_kib, act_banks, res_kib, axi_data_width
    (1, 1, 1, 32, 8, 1, 4, 32),
    (2, 2, 1, 32, 8, 1, 4, 32),
    (2, 4, 2, 64, 16, 2, 8, 64),
    (4, 4, 4, 64, 32, 2, 16, 64),
    (4, 4, 1, 256, 32, 4, 16, 128),
    (4, 8, 2, 128, 64, 4, 32, 32),
    (8, 4, 4, 512, 48, 2, 24, 64),
    (2, 8, 2, 64, 16, 1, 8, 256),
    (8, 8, 2, 64, 64, 2, 32, 64),
    (8, 8, 8, 256, 104, 4, 40, 128),
    (8, 8, 4, 128, 64, 8, 32, 256),
    (4, 16, 4, 128, 64, 4, 32, 128),
)
"""Small ones in which every parameter varies and no two vary together."""
FIELDS = ("rows", "cols", "post_lanes", "max_tokens", "act_kib", "act_banks", "res_kib", "axi_data_width")


def main(path: Path) -> None:
    """Add the cores that ``path`` does not hold yet, one by one."""
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    known = [run["config"] for run in runs]
    for values in CORES:
        config = CoreConfig(**dict(zip(FIELDS, values, strict=True)))
        if dataclasses.asdict(config) in known:
            continue
        started = time.monotonic()
        cells = resources(config)
        seconds = round(time.monotonic() - started, 1)
        runs.append({"config": dataclasses.asdict(config), "resources": cells, "seconds": seconds})
        told = {"family": "ecp5", "tool": Tools().version("yosys"), "runs": runs}
        write_file(path, json.dumps(told, indent=1) + "\n")
        print(config.rows, config.cols, cells, f"{seconds} s", flush=True)
    # Of a few of them nothing can be fitted.
    write_file(FITTED, json.dumps(fitted(runs), indent=1) + "\n")


main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/results/area/ecp5.json"))
