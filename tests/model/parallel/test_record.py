"""Files of results: what is there is not done again, and nothing counts twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import Interrupted, PointwiseError
from pointwise.model.parallel import Job, Local, Record, complete, digest_of
from pointwise.model.parallel.job import file_digest


class Counting:
    """An executor that gives every result twice and counts what it is asked for."""

    workers = 1

    def __init__(self, stop_after: int = 100) -> None:
        self.asked: list[str] = []
        self.stop_after = stop_after

    def run(self, job: Job, parts: Mapping[str, int], tell=None) -> Iterator[tuple[str, int]]:
        for name, part in parts.items():
            if len(self.asked) == self.stop_after:
                raise KeyboardInterrupt
            self.asked.append(name)
            yield name, part + 1
            yield name, part + 1


JOB = Job("count", int)
PARTS = {f"p{number}": number for number in range(6)}
RESULTS = {f"p{number}": number + 1 for number in range(6)}


def test_interrupted_work_goes_on_and_counts_once(tmp_path: Path) -> None:
    path, calls = tmp_path / "deep" / "record.jsonl", []
    first, second = Counting(stop_after=4), Counting()
    told = rf"^4 of 6 parts are done and kept in {path}; the same command goes on from there$"
    with pytest.raises(Interrupted, match=told), Record(path, "count", "d") as record:
        complete(JOB, PARTS, record, first)
    with path.open("a") as file:
        file.write('{"job": "count", "dig')  # as if it had been killed in the middle of a line
    with Record(path, "count", "d") as record:
        found = complete(JOB, PARTS, record, second, progress=lambda *call: calls.append(call))
    assert found == RESULTS and list(found) == list(PARTS)
    assert (first.asked, second.asked) == (["p0", "p1", "p2", "p3"], ["p4", "p5"])
    assert calls == [(4, 6), (5, 6), (6, 6)]
    lines = path.read_text().splitlines()
    assert len(lines) == len(PARTS)
    path.write_text("\n".join([*lines, *lines, "nonsense", "[]", "{}"]) + "\n")
    with Record(path, "count", "d") as record:
        assert complete(JOB, PARTS, record, Counting(stop_after=0)) == RESULTS


def test_file_of_other_work_is_told(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    with Record(path, "count", "d") as record:
        assert record.add("a", 1) and not record.add("a", 2)
        assert record.done == {"a": 1}
        with pytest.raises(PointwiseError, match="are being written by another command"):
            Record(path, "count", "d").__enter__()
    for job, digest, told in (
        ("count", "e", "with other weights, settings or code"),
        ("x", "d", "of 'count'"),
    ):
        with pytest.raises(PointwiseError, match=f"holds results {told}"), Record(path, job, digest):
            pass
    assert path.read_text().count("\n") == 1
    with pytest.raises(PointwiseError, match="cannot be opened"), Record(tmp_path, "count", "d"):
        pass


def test_digests_tell_contents_apart(tmp_path: Path) -> None:
    import numpy as np

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    before = digest_of(tmp_path / "a")
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    different = [
        before,
        digest_of(tmp_path / "a"),
        *(
            digest_of(value)
            for value in (1, "1", b"1", 1.0, None, [1], {"1": 1}, np.int8([1]), np.int16([1]))
        ),
        digest_of("ab", "c"),
        digest_of("a", "bc"),
    ]
    assert len(set(different)) == len(different)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "y").write_text("1")
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b"), "the place does not count"
    with pytest.raises(TypeError):
        digest_of(object())


def test_threads_of_this_machine_wait_for_programs(tmp_path: Path) -> None:
    job = Job("programs", lambda: lambda part: part + 1, programs=True)
    assert dict(Local(3).run(job, PARTS)) == RESULTS
    assert dict(Local(3).run(job, {})) == {}
