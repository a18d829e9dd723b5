"""The package as it is imported, as a tree of links, for programs that read sources without importing them.

The package is mapped to the folders at the top by ``package-dir``, and sim/api is its root, so that such a
program would find nothing, or a file under two names. In the tree folders lie as they are imported, and every
file once.
"""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACES = {"sim/api": "pointwise", "hw": "pointwise/hw", "model": "pointwise/model", "sim": "pointwise/sim"}
"""Folders, and where they lie in the tree; of two that hold a file, the first has it."""


def link_tree(tree: Path) -> None:
    """Make the tree of links anew. Its folders are folders: type checkers do not follow links to them."""
    shutil.rmtree(tree, ignore_errors=True)
    linked: set[Path] = set()
    for folder, place in PLACES.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            if file not in linked:
                linked.add(file)
                link = tree / place / file.relative_to(ROOT / folder)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file)
