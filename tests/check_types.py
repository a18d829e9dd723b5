"""Run the type checker over the sources: ``python -m tests.check_types``, as ``make lint`` and the tests do.

The package is mapped to the folders at the top by ``package-dir``, of which type checkers know nothing, and
sim/api is its root, so that a file would be found under two names. The checker gets a tree of links instead,
where folders lie as they are imported and every file is there once; ``[tool.basedpyright]`` configures it.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TREE = ROOT / "build" / "types"
PLACES = {"sim/api": "pointwise", "hw": "pointwise/hw", "model": "pointwise/model", "sim": "pointwise/sim"}
"""Folders, and where they lie in the tree; of two that hold a file, the first has it."""


def link_tree() -> None:
    """Make the tree of links anew. Its folders are folders: the checker does not follow links to them."""
    shutil.rmtree(TREE, ignore_errors=True)
    linked: set[Path] = set()
    for folder, place in PLACES.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            if file not in linked:
                linked.add(file)
                link = TREE / place / file.relative_to(ROOT / folder)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file)
    (TREE / "pyproject.toml").symlink_to(ROOT / "pyproject.toml")


def check(arguments: Sequence[str] = ()) -> tuple[int, str]:
    """The checker's exit status, 0 without an error, and what it printed, with paths of the sources."""
    link_tree()
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
