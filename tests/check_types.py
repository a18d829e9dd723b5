"""Run the type checker over the sources: ``python -m tests.check_types``, as ``make lint`` and the tests do.

The checker gets ``pointwise.sim.docs.tree``; ``[tool.basedpyright]`` configures it.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pointwise.sim.docs.tree import PLACES, link_tree

ROOT = Path(__file__).parents[1]
TREE = ROOT / "build" / "types"


def check(arguments: Sequence[str] = ()) -> tuple[int, str]:
    """The checker's exit status, 0 without an error, and what it printed, with paths of the sources."""
    link_tree(TREE)
    (TREE / "pyproject.toml").symlink_to(ROOT / "pyproject.toml")
    command = [sys.executable, "-m", "basedpyright", "--project", str(TREE), "--pythonpath", sys.executable]
    done = subprocess.run([*command, *arguments], cwd=TREE, capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    for folder, place in sorted(PLACES.items(), key=lambda item: -len(item[1])):
        text = text.replace(f"{TREE / place}/", f"{ROOT / folder}/")
    return done.returncode, text


if __name__ == "__main__":
    status, printed = check(sys.argv[1:])
    print(printed, end="")
    sys.exit(status)
