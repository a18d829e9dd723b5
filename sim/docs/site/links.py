"""Links of the documents, which lead to files of the repository, as links between pages of the site."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.structure.files import Files

from pointwise.sim.docs.documents import ROOT

from .sources import page_of

LINK = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")
"""The file in ``[text](file#heading)``."""
INDEX = re.compile(r"\](?=\[\w+ = )")
"""Between the indices of ``W[out = token][in = channel]``, which Markdown takes for a reference."""
CODE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
DOCS = ROOT / "docs"


def targets(markdown: str, folder: Path) -> Iterator[Path]:
    """Files and folders of the repository outside of docs/ that a page links to, and folders within."""
    for text in CODE.split(markdown)[::2]:
        for target in LINK.findall(text):
            path = _path(target, folder)
            if path and (path.is_dir() or not path.is_relative_to(DOCS)):
                yield path


def relinked(markdown: str, folder: Path, page: str, files: Files) -> str:
    """A page with links relative to its place in the site; what is not of the repository stays as it is.

    Args:
        folder: to which its links are relative. page: its name in the site, with slashes.
    """

    def lead(match: re.Match[str]) -> str:
        path = _path(match[1], folder)
        if path is None:
            return match[1]
        name = _name(path, files)
        return os.path.relpath(name, Path(page).parent).replace(os.sep, "/")

    parts = CODE.split(markdown)
    parts[::2] = [INDEX.sub(r"]\\", LINK.sub(lead, text)) for text in parts[::2]]
    return "".join(parts)


def _path(target: str, folder: Path) -> Path | None:
    """What a link names, where it is in the repository."""
    if re.match(r"[a-z]+:", target):
        return None
    path = (folder / target).resolve()
    return path if path.is_relative_to(ROOT) and path.exists() else None


def _name(path: Path, files: Files) -> str:
    """The name of a file's page."""
    if path == ROOT / "README.md":
        return "index.md"
    if path == ROOT / "CHANGELOG.md":
        return "changes.md"
    if path.suffix == ".ipynb":
        return f"notebooks/{path.stem}.md"
    inside = path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else None
    return inside if inside and files.get_file_from_path(inside) else page_of(path)
