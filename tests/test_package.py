"""What is installed: one package, of all the folders."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_folder_is_listed() -> None:
    """A folder of which nobody told setuptools would be missing in wheels alone."""
    folders = {
        ".".join(("pointwise", *file.parent.relative_to(ROOT).parts))
        for top in ("hw", "model", "sim")
        for file in (ROOT / top).rglob("*")
        if file.suffix not in ("", ".pyc") and file.is_file()
    }
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert set(listed) == folders - {"pointwise.sim.api"} | {"pointwise"}
    assert listed == sorted(listed)
