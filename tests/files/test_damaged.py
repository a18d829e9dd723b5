"""Damaged files of every kind end in success or a sentence, and in nothing else.

A hundred cases of each here; ``make nightly`` has 2,000. One again: ``DAMAGED_SEED=17 pytest -k network``.
"""

import os
import re
import shutil
import traceback
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("litex", reason="needs LiteX; run make fpga")

from pointwise.sim.cli.entry import sentence_of
from tests.files.guard import Broken, guarded
from tests.files.kinds import KINDS

CASES = int(os.environ.get("DAMAGED_CASES", "100"))
SEED = os.environ.get("DAMAGED_SEED")
TIMES = 40
"""Reading may take so many times the bytes of the files, beside the ``room`` of their kind."""
PYTHON = re.compile(
    r"NoneType|object is not|has no attribute|object has|unhashable|subscriptable|takes \d+ positional|"
    r"keyword argument|(?:Key|Type|Attribute|Index|Value|Recursion|Runtime|Overflow)Error|<class|\bNone\b"
)
"""What is Python's and says nothing to whoever reads a sentence."""


def problem_of(error: BaseException) -> str | None:
    """What is wrong with how a case ended, or None."""
    if isinstance(error, Broken | MemoryError) or not isinstance(error, Exception):
        return repr(error)
    sentence = sentence_of(error)
    if sentence is None:
        return "".join(traceback.format_exception(error))
    if found := PYTHON.search(sentence):
        return f"the sentence quotes Python ({found[0]}): {sentence}"
    if not sentence.isprintable():
        return f"the sentence cannot be printed: {sentence!r}"
    if len(sentence) > 2000:
        return f"the sentence has {len(sentence)} characters: {sentence[:300]}"
    return None


def problem(kind: str, seed: int, sound: Path, folder: Path) -> tuple[str | None, bool]:
    """Damage and read the files of one case: what is wrong with how it ended, and whether it succeeded."""
    given, out = folder / "in", folder / "a" / "b" / "out"
    shutil.copytree(sound, given)
    out.mkdir(parents=True)
    KINDS[kind].damage(Random(f"{kind} {seed}"), given)
    size = sum(path.lstat().st_size for path in given.rglob("*") if path.is_file())
    before = Path.cwd(), sorted(folder.rglob("*"))
    try:
        with guarded(out, KINDS[kind].room + TIMES * size):
            KINDS[kind].read(given, out)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return problem_of(error), False
    inside = [path for path in sorted(folder.rglob("*")) if out not in path.parents]
    assert (Path.cwd(), inside) == before
    return None, True


@pytest.mark.parametrize("kind", KINDS)
def test_damage_ends_in_success_or_a_sentence(kind: str, tmp_path: Path) -> None:
    sound = tmp_path / "sound"
    sound.mkdir()
    KINDS[kind].make(sound)
    (tmp_path / "first").mkdir()
    # What is imported on the way is no part of what a case takes, and sound files are read.
    KINDS[kind].read(sound, tmp_path / "first")
    failed, good = {}, 0
    for seed in [int(SEED)] if SEED else range(CASES):
        folder = tmp_path / "case"
        found, success = problem(kind, seed, sound, folder)
        if found:
            failed[seed] = found
        good += success
        shutil.rmtree(folder)
    told = "\n".join(
        f"DAMAGED_SEED={seed} pytest -k {kind}: {text}" for seed, text in list(failed.items())[:20]
    )
    assert not failed, f"{len(failed)} of {CASES} damaged files, {good} read in spite of it:\n{told}"
