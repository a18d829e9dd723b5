"""Which Pointwise this is: its version, and in a checkout the commit."""

import functools
import importlib.metadata
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


@functools.cache
def version() -> str:
    """Such as ``0.1.0``; from a checkout ``0.1.0+g1a2b3c4``, with ``.changed`` if it is not as committed."""
    number = importlib.metadata.version("pointwise")
    if _git("rev-parse", "--show-toplevel") != str(ROOT.resolve()):
        return number  # installed, perhaps below somebody else's checkout
    commit, changes = _git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain", "-uno")
    return f"{number}+g{commit}{'.changed' if changes else ''}" if commit else number


def _git(*arguments: str) -> str:
    """What Git answers; empty where there is none, or no checkout."""
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
