"""The notebooks run, and are stored with what they print."""

from pathlib import Path

import pytest

from pointwise.sim.docs.documents import ROOT

nbformat = pytest.importorskip("nbformat", reason="install the extra docs")
pytest.importorskip("nbclient", reason="install the extra docs")
pytest.importorskip("ipykernel", reason="install the extra docs")

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) == 3


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own assertions compare emulator and integer model; what it prints is as when it was stored."""
    from pointwise.sim.docs.site.notebooks import executed

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    stored = nbformat.read(path, as_version=4)
    made = executed(path, tmp_path)
    codes = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in codes] == list(range(1, len(codes) + 1))
    for cell, now in zip(stored.cells, made.cells, strict=True):
        assert kinds(cell) == kinds(now)


def kinds(cell: "nbformat.NotebookNode") -> list[tuple[str, list[str]]]:
    """What kinds of output a cell has; numbers of a training may differ on another machine."""
    return [(output.output_type, sorted(output.get("data", {}))) for output in cell.get("outputs", [])]


def test_pictures_and_text_of_a_notebook_are_in_its_page() -> None:
    pytest.importorskip("nbconvert", reason="install the extra docs")
    from pointwise.sim.docs.site.notebooks import as_markdown

    text, pictures = as_markdown(ROOT / "docs" / "notebooks" / "quantise_and_look.ipynb")
    assert len(pictures) == 2 and all(content.startswith(b"\x89PNG") for content in pictures.values())
    assert all(f"]({name})" in text for name in pictures)
    assert "```python\nimport matplotlib" in text and "```text\nGraph('micro_digits'" in text
