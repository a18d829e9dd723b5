"""MkDocs' hooks, which mkdocs.yml names: pages that are made, links between them, the API's reference."""

import functools
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from pointwise.sim.docs.documents import REGION, ROOT
from pointwise.sim.docs.site.links import relinked, targets
from pointwise.sim.docs.site.notebooks import as_markdown
from pointwise.sim.docs.site.sources import source_pages
from pointwise.sim.docs.tree import link_tree

DOCS = ROOT / "docs"
MADE = {"index.md": ROOT / "README.md", "changes.md": ROOT / "CHANGELOG.md"}
"""Pages whose text lies elsewhere."""


def on_startup(**_: Any) -> None:
    """The reference is read from a tree in which modules lie as they are imported."""
    link_tree(ROOT / "build" / "docs" / "tree")


def on_files(files: Files, *, config: Any) -> Files:
    """Add what is made: the first page, notebooks, and every source that a page links to."""
    for name, path in MADE.items():
        files.append(File.generated(config, name, content=path.read_text()))
    for path in sorted((DOCS / "notebooks").glob("*.ipynb")):
        text, pictures = as_markdown(path)
        name = f"notebooks/{path.stem}.md"
        files.append(File.generated(config, name, content=text))
        for picture, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{picture}", content=content))
    pages = [file for file in files.documentation_pages() if not file.src_uri.startswith("source/")]
    linked = {target for file in pages for target in targets(file.content_string, _folder(file.src_uri))}
    for name, content in source_pages(linked).items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, *, page: Page, files: Files, **_: Any) -> str:
    """Lead links to the pages of the site, and let mkdocstrings write the reference."""
    name = page.file.src_uri
    if name.startswith("source/"):
        return markdown
    if name == "api.md":
        markdown = REGION.sub(lambda match: _reference() if match[2] == "api" else match[0], markdown)
    return relinked(markdown, _folder(name), name, files)


def _folder(name: str) -> Path:
    """The folder to which the links of a page are relative, before they are changed."""
    return MADE[name].parent if name in MADE else (DOCS / name).parent


@functools.cache
def _reference() -> str:
    """Directives of mkdocstrings for every name of the API: functions, then classes."""
    names = re.findall(r"^### (\w+)$", (DOCS / "api.md").read_text(), re.MULTILINE)
    split = next(index for index, name in enumerate(names) if name[0].isupper())
    parts = {"Functions": names[:split], "What they take and give": names[split:]}
    return "\n\n".join(
        line
        for title, members in parts.items()
        for line in (f"## {title}", *(f"::: pointwise.{name}" for name in members))
    )
