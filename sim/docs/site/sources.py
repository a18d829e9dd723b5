"""Sources as pages of the site, so that a link to one needs no other place."""

import ast
from collections.abc import Iterable
from pathlib import Path

from pointwise.sim.docs.documents import ROOT

LANGUAGES = {".py": "python", ".sv": "systemverilog", ".v": "verilog", ".c": "c", ".h": "c", ".json": "json"}
HEAD = "---\nsearch:\n  exclude: true\nhide: [toc]\n---\n"
"""Whoever searches wants the documents."""


def page_of(path: Path) -> str:
    """The name of the page of a file or folder of the repository."""
    name = path.relative_to(ROOT).as_posix()
    return f"source/{name}/index.md" if path.is_dir() else f"source/{name}.md"


def source_pages(paths: Iterable[Path]) -> dict[str, str]:
    """Pages of files and folders, by name; with a folder come the files in it."""
    wanted = set(paths)
    wanted |= {file for folder in wanted if folder.is_dir() for file in _files(folder)}
    return {page_of(path): _folder(path) if path.is_dir() else _file(path) for path in sorted(wanted)}


def _files(folder: Path) -> list[Path]:
    return [
        path for path in sorted(folder.iterdir()) if path.suffix in LANGUAGES or path.name == "__init__.py"
    ]


def _file(path: Path) -> str:
    title = path.relative_to(ROOT).as_posix()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # weights, for instance
        size = path.stat().st_size
        return f"{HEAD}# {title}\n\n{size:,} bytes that are no text; they lie in the repository.\n"
    fence = "`" * 8  # longer than any in the text
    return f"{HEAD}# {title}\n\n{fence}{LANGUAGES.get(path.suffix, 'text')}\n{text}\n{fence}\n"


def _folder(path: Path) -> str:
    lines = [f"{HEAD}# {path.relative_to(ROOT).as_posix()}\n"]
    for file in _files(path):
        about = _about(file)
        about = f": {_about(file)}" if _about(file) else ""
        lines.append(f"- [{file.name}]({file.name}.md){about}")
    return "\n".join(lines) + "\n"


def _about(file: Path) -> str:
    """The first line of a module's docstring."""
    if file.suffix != ".py":
        return ""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
