"""Processes: what they return, and that none survives what ends the work."""

import os
import time
from functools import partial
from pathlib import Path

import pytest

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.parallel import in_processes, one_thread, processors


def square(value: int) -> int:
    return value * value


def maker():
    return square


def dying(folder: Path):
    """A function that leaves its process number, and ends its process at the part 0."""

    def work(part: int) -> int:
        (folder / str(os.getpid())).touch()
        if part == 0:
            os._exit(3)
        if part < 0:
            raise PointwiseError("a bad part")
        return part

    return work


def slow(folder: Path):
    def work(part: int) -> int:
        (folder / str(os.getpid())).touch()
        if part:
            time.sleep(300)
        return part

    return work


def running(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if Path(f"/proc/{path.name}").exists()]


def test_every_part_has_its_result() -> None:
    assert sorted(in_processes(maker, range(20), 2)) == [value**2 for value in range(20)]
    assert list(in_processes(maker, range(5), 1)) == [0, 1, 4, 9, 16]
    assert list(in_processes(maker, [], 2)) == []
    with pytest.raises(PointwiseError, match="0 processes were asked for"):
        list(in_processes(maker, [1], 0))


def test_death_and_errors_of_a_process_are_told(tmp_path: Path) -> None:
    with pytest.raises(PointwiseError, match="A process ended before its time"):
        list(in_processes(partial(dying, tmp_path), [1, 0, 2], 2))
    with pytest.raises(PointwiseError, match="a bad part"):
        list(in_processes(partial(dying, tmp_path), [1, -1], 2))
    assert list(tmp_path.iterdir())
    assert running(tmp_path) == []


def test_who_stops_reading_ends_the_processes(tmp_path: Path) -> None:
    results = in_processes(partial(slow, tmp_path), [0, 1, 2], 2)
    assert next(results) == 0
    assert running(tmp_path)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 60
    assert running(tmp_path) == []


def test_one_thread_is_for_the_moment() -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert 1 <= processors() <= os.cpu_count()
