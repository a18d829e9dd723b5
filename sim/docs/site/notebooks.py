"""Notebooks: executed anew and stored with what they print, and as Markdown for the site.

``python -m pointwise.sim.docs.site.notebooks`` executes all of docs/notebooks.
"""

import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter

from pointwise.hw.contract.files import write_file
from pointwise.sim.docs.documents import ROOT

NOTEBOOKS = ROOT / "docs" / "notebooks"
SECONDS = 120
"""A cell that takes longer ends the execution."""


def executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    """A notebook with the outputs of all its cells.

    Args:
        folder: in which it runs, and where it writes.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised something.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", coalesce_streams=True)
    client.execute(cwd=str(folder))
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # the times, which differ each time
    notebook.metadata["language_info"] = {"name": "python"}  # and not which version
    return notebook


def as_markdown(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as it is stored, as Markdown, and its pictures by file name."""
    notebook = nbformat.read(path, as_version=4)
    name = path.stem
    text, resources = MarkdownExporter().from_notebook_node(
        notebook, {"unique_key": name, "output_files_dir": ""}
    )
    pictures = {Path(file).name: content for file, content in resources.get("outputs", {}).items()}
    # What was printed, indented by the exporter, is no Python to be coloured.
    text = re.sub(r"\n\n((?:    .*\n|\n)+)", _printed, text)
    source = f"[{path.name}]({path.name})"
    return f"{text}\n\nThe notebook itself: {source}\n", pictures


def _printed(match: re.Match[str]) -> str:
    lines = [line.removeprefix("    ") for line in match[1].strip("\n").splitlines()]
    return "\n\n" + "\n".join(["```text", *lines, "```"]) + "\n\n" if any(lines) else match[0]


def main() -> None:
    """Execute all notebooks, each in a folder below build, and store their outputs."""
    folder = ROOT / "build" / "docs" / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        write_file(path, nbformat.writes(executed(path, folder)) + "\n")
        print(f"{path.relative_to(ROOT)} executed")


if __name__ == "__main__":
    main()
