"""The site: built as `make docs` does, every link whole, and nothing in it that is fetched from elsewhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pointwise as pw
from pointwise.sim.docs.documents import ROOT, documents

pytest.importorskip("mkdocs", reason="install the extra docs")
pytest.importorskip("mkdocstrings_handlers.python", reason="install the extra docs")

FETCHED = re.compile(r"<(?:script|link|img|iframe|source|object)\b[^>]*?\b(?:src|href|data)=\"?(\w+:)?//")
"""An element that a browser gets from elsewhere; ``a`` is none."""


def build(config: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "-f", str(config), "-d", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_document_is_a_page(site: Path) -> None:
    assert "Hardware and integer model agree on every bit" in (site / "index.html").read_text()
    for path in documents()[1:]:
        assert (site / path.with_suffix(".html").name).exists()
    for path in (ROOT / "docs" / "notebooks").glob("*.ipynb"):
        assert (site / "notebooks" / f"{path.stem}.html").exists()


def test_links_and_pictures_are_in_the_site(site: Path) -> None:
    """MkDocs checks links between pages; here all, those of the theme and of pictures included."""
    checked = 0
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # its links begin at the root of a server
            continue
        for target in re.findall(r"\b(?:src|href)=\"?([^\"> ]+)", page.read_text()):
            if not re.match(r"[a-z]+:|#", target):
                file = (page.parent / re.split("[#?]", target)[0]).resolve()
                assert file.exists(), f"{page.relative_to(site)} leads to {target}"
                checked += 1
    assert checked > 1000


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for element in ('<script async src="https://example.org/x.js">', "<img src=//a/b>"):
        assert FETCHED.search(element)
    for page in site.rglob("*.html"):
        assert not FETCHED.search(page.read_text()), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:|//)|@import", sheet.read_text()), sheet


def test_the_reference_has_every_name_and_its_parameters(site: Path) -> None:
    text = (site / "api.html").read_text()
    assert set(re.findall(r"id=\"?pointwise\.(\w+)[\" >]", text)) >= set(pw.__all__)
    # An entry that shares its line with others has a row of its own.
    rows = re.findall(r"<tr class=\"doc-section-item\">(.*?)</tr>", text, re.DOTALL)
    assert any("<code>batch</code>" in row and "inputs at a time" in row for row in rows)
    assert any("<code>parameters</code>" in row and 'title="int"' in row for row in rows)


def test_search_needs_no_server(site: Path) -> None:
    text = (site / "search" / "search_index.js").read_text()
    index = json.loads(text.removeprefix("var __index = "))
    pages = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert {"index.html", "api.html", "architecture.html"} <= pages
    assert not any(page.startswith("source/") for page in pages)
    assert "assets/iframe-worker.js" in (site / "index.html").read_text()


@pytest.mark.parametrize("target", ["nowhere.md", "index.md#nothing"])
def test_a_broken_link_ends_the_build(tmp_path: Path, target: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# A page\n\n[This]({target}) is not there.\n")
    config = f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: docs\nhooks: []\nplugins: []\nnav: [index.md]\n"
    (tmp_path / "mkdocs.yml").write_text(f"{config}theme: {{name: mkdocs, palette: null, icon: null}}\n")
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0 and f"a link '{target}'" in done.stderr, done.stderr
