"""The sources pass the linter, so that `make lint` is never a surprise."""

import subprocess
import sys
from pathlib import Path


def test_linter_is_content() -> None:
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "."],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
