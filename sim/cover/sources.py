"""``python -m pointwise.sim.cover.sources FILE TABLE``: what tests ran of the Python sources, by folder.

``FILE`` is coverage.py's report in JSON, of lines and branches (``coverage json``); ``TABLE`` is written, in
JSON. What runs inside of simulators alone (the cocotb side of benches) is left out, since nothing looks in
there.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file

INSIDE = re.compile(r"bench_\w+\.py")
"""Names of files that run inside of simulators."""
FIELDS = {
    "lines": "num_statements",
    "lines_met": "covered_lines",
    "branches": "num_branches",
    "branches_met": "covered_branches",
}


def by_folder(files: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Lines and branches, and how many of them were run, by the folder that is two levels deep.

    Args:
        files: of coverage.py's report, by path.
    """
    rows: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(FIELDS, 0))
    for path, found in files.items():
        place = PurePosixPath(path)
        if INSIDE.fullmatch(place.name):
            continue
        row = rows["/".join(place.parts[:-1][:2])]
        for name, theirs in FIELDS.items():
            row[name] += found["summary"][theirs]
    return dict(sorted(rows.items()))


def main(source: Path, path: Path) -> None:
    """Write the table of a report.

    Raises:
        PointwiseError: the report has no branches.
    """
    told = json.loads(source.read_text())
    if not told["meta"].get("branch_coverage"):
        raise PointwiseError(f"{source} has lines alone; run the tests with --cov-branch")
    write_file(path, json.dumps(by_folder(told["files"]), indent=1) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
