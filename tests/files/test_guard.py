"""The guard of the fuzzer finds what it is there to find."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from random import Random

import pytest

from pointwise.hw.contract.errors import PointwiseError
from tests.files import guard, mutate
from tests.files.guard import Broken, guarded

MEMORY = 32 << 20


@pytest.mark.parametrize(
    "write",
    [
        lambda out: (out / "../x").write_text("1"),
        lambda out: (out.parent / "x").write_text("1"),
        lambda out: (out.parent / "x").mkdir(),
        lambda out: (out / "inside").replace(out.parent / "x"),
        lambda out: (out.parent / "outside").unlink(),
        lambda out: (out.parent / "x").symlink_to("y"),
        lambda out: os.close(os.open(out.parent / "x", os.O_CREAT)),
        lambda out: shutil.copy(out / "inside", out.parent / "x"),
        lambda out: subprocess.run(["true"], check=True),
        lambda out: os.system("true"),
    ],
)
def test_what_is_done_outside_is_found(tmp_path, write):
    out = tmp_path / "out"
    out.mkdir()
    (out / "inside").write_text("1")
    (tmp_path / "outside").write_text("1")
    with pytest.raises(Broken, match="outside"), guarded(out, MEMORY):
        write(out)


def test_what_is_done_inside_is_not(tmp_path):
    with guarded(tmp_path, MEMORY):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "b").write_text("1")
        (tmp_path / "a" / "b").replace(tmp_path / "c")
        Path("/proc/self/status").read_text()
    (tmp_path.parent / "later").write_text("1")


def test_memory_and_time_are_found(tmp_path, monkeypatch):
    with pytest.raises(Broken, match="bytes of memory"), guarded(tmp_path, MEMORY):
        # It is gone again before the end, which the peak does not forget.
        b"x" * (2 * MEMORY)
    with guarded(tmp_path, MEMORY):
        b"x" * (MEMORY // 2)
    with pytest.raises(MemoryError), guarded(tmp_path, MEMORY):
        bytes(2 * guard.ROOM)
    monkeypatch.setattr(guard, "SECONDS", 1)
    with pytest.raises(Broken, match="more than 1 s"), guarded(tmp_path, MEMORY):
        time.sleep(20)


def test_a_sentence_passes_through(tmp_path):
    with pytest.raises(PointwiseError), guarded(tmp_path, MEMORY):
        raise PointwiseError("no")


def test_damage_is_of_every_kind_and_the_same_for_a_seed():
    value = {"a": [1, 2.5, "x", {"b": None}], "c": True}
    before = json.dumps(value)
    made = [json.dumps(mutate.structure(Random(seed), value)) for seed in range(300)]
    assert made == [json.dumps(mutate.structure(Random(seed), value)) for seed in range(300)]
    assert json.dumps(value) == before
    assert sum(one != before for one in made) > 290 and len(set(made)) > 200
    data = bytes(range(200))
    raw = [mutate.raw(Random(seed), data) for seed in range(300)]
    assert min(map(len, raw)) < 100 and max(map(len, raw)) > 250 and len(set(raw)) > 250
