"""The executor on a cluster with a real scheduler and workers, and everything that happens to them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.parallel import Job, Local, Record, complete, executor
from pointwise.model.parallel.cluster import ATTEMPTS
from tests.model.parallel import work
from tests.model.parallel.cluster import Cluster, cluster, wait_until

COUNT = 24
BLIND = "import sys; sys.modules['pointwise'] = None"
"""A worker that has no Pointwise."""
FAR = "import pointwise.model.parallel.shipping as shipping; shipping.FileName.is_here = lambda file: False"
"""One that shares no folder with the command."""
OTHER = "import pointwise.model.parallel.job as job; job.code_digest = lambda: 'other'"
"""One that has another commit."""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two workers that no test harms."""
    with cluster(tmp_path_factory.mktemp("cluster"), "one") as made:
        made.start_worker("two", nanny=True)
        yield made


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes"


def parts(what: str = "slowly", count: int = COUNT) -> dict[str, tuple[str, int]]:
    return {f"part {number}": (what, number) for number in range(count)}


def squares(count: int = COUNT) -> dict[str, int]:
    return {f"part {number}": number**2 for number in range(count)}


def collected(results: Iterator[tuple[str, int]]) -> dict[str, int]:
    """Results by name; each may come once."""
    found: dict[str, int] = {}
    for name, result in results:
        assert name not in found, "it came twice"
        found[name] = result
    return found


def done(notes: Path, what: str = "slowly") -> int:
    return len(list(notes.glob(f"{what}-*")))


def alive(notes: Path) -> list[str]:
    """Processes that did parts, and programs that parts started, that are still there."""
    numbers = {path.name.rpartition(".")[2] for path in notes.glob("*-*.*")}
    numbers |= {path.name.partition("-")[2] for path in notes.glob("program-*")}
    return [number for number in numbers if Path(f"/proc/{number}").exists()]


def test_results_are_those_of_this_machine(both: Cluster, notes: Path) -> None:
    job = work.job(notes)
    with executor(both.address) as workforce:
        wait_until(lambda: workforce.workers == 2, "both workers are there")
        found = collected(workforce.run(job, parts("square")))
        assert collected(workforce.run(job, {})) == {}
    with executor(workers=1) as here:
        assert isinstance(here, Local)
        assert found == collected(here.run(job, parts("square"))) == squares()
    wait_until(lambda: set(alive(notes)) <= {str(os.getpid())}, "processes end with the job")


def test_failing_part_is_told_with_worker_log_and_command(
    both: Cluster, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(notes)
    job = work.job(notes, repeat=lambda part: f"pointwise test {part[1]}")
    with executor(both.address) as workforce:
        message = (
            rf"part 0 of test failed {ATTEMPTS} times, last on tcp://.*: ValueError: 0 is not liked "
            r"\(its log is .*\); to repeat it: pointwise test 0"
        )
        with pytest.raises(PointwiseError, match=message):
            collected(workforce.run(job, parts("fails", 1)))
        log = next(notes.glob("*.log")).read_text()
        assert "in fails" in log and "pointwise test 0" in log
        with pytest.raises(PointwiseError, match="0 is refused; to repeat it"):
            collected(workforce.run(job, parts("refuses", 1)))
        with pytest.raises(PointwiseError, match="there is nothing to load"):
            collected(workforce.run(Job("broken", work.broken), {"a": 1}))
        assert collected(workforce.run(job, parts("square", 2))) == squares(2), "it works on"


def test_hung_and_dead_parts_are_done_again(both: Cluster, notes: Path) -> None:
    said: list[str] = []
    job = work.job(notes, limit=2)
    mixed = {"part 0": ("once_stuck", 0), "part 1": ("once_dead", 1), "part 2": ("square", 2)}
    with executor(both.address, note=said.append) as workforce:
        assert collected(workforce.run(job, mixed)) == squares(3)
    assert any("not done after 2 s" in line for line in said)
    assert any("its process ended before its time" in line for line in said)
    wait_until(lambda: not alive(notes), "neither process nor program is left")


def test_who_stops_reading_ends_the_parts(both: Cluster, notes: Path) -> None:
    mixed = {"part 2": ("square", 2), "part 0": ("once_stuck", 0)}
    with executor(both.address) as workforce:
        results = workforce.run(work.job(notes), mixed)
        assert next(results) == ("part 2", 4)
        wait_until(lambda: list(notes.glob("program-*")), "the other one is at work")
        results.close()
        wait_until(lambda: not alive(notes), "neither process nor program is left")


@pytest.mark.parametrize("far", [False, True])
def test_files_are_sent_where_they_are_not(both: Cluster, tmp_path: Path, far: bool) -> None:
    shared = tmp_path / "shared"
    (shared / "sub").mkdir(parents=True)
    (shared / "sub" / "text.txt").write_text("shared")
    own = [tmp_path / f"{number}.txt" for number in range(4)]
    for path in own:
        path.write_text(path.name)
    given = {path.name: (number, path) for number, path in enumerate(own)}
    expected = {path.name: (f"shared {path.name} {number}", far) for number, path in enumerate(own)}
    if not far:
        with executor(both.address) as workforce:
            assert collected(workforce.run(work.reading(shared), given)) == expected
        return
    with cluster(tmp_path) as made:
        made.start_worker("far", prelude=FAR)
        with executor(made.address) as workforce:
            assert collected(workforce.run(work.reading(shared), given)) == expected
            wait_until(lambda: not list(made.folder.glob("far/**/pointwise-*")), "they are removed")


def test_result_that_comes_twice_counts_once(
    both: Cluster, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import distributed

    original = distributed.Future.add_done_callback

    def twice(future: distributed.Future, function) -> None:
        original(future, lambda done: (function(done), function(done)))

    monkeypatch.setattr(distributed.Future, "add_done_callback", twice)
    with executor(both.address) as workforce:
        assert collected(workforce.run(work.job(notes), parts("square"))) == squares()


@pytest.mark.slow
def test_cluster_loses_gains_and_freezes_workers_in_the_middle(tmp_path: Path, notes: Path) -> None:
    """One is killed in the middle of a part, one freezes, one is retired, one joins late."""
    import distributed

    with (
        cluster(tmp_path, "killed", "frozen", worker_timeout="8s") as made,
        executor(made.address) as workforce,
    ):
        wait_until(lambda: workforce.workers == 2, "both workers are there")
        with Record(tmp_path / "record.jsonl", "test", "0") as record:
            moments: dict[int, str] = {}

            def disturb(name: str, result: int) -> None:
                count = len(record.done)
                if count == 2:
                    made.end("killed")
                elif count == 5:
                    made.workers["frozen"].send_signal(signal.SIGSTOP)
                    made.start_worker("late")
                    made.start_worker("retired")
                elif count == 12:
                    with distributed.Client(made.address, set_as_default=False) as client:
                        workers = client.scheduler_info(n_workers=-1)["workers"]
                        names = {worker["name"]: address for address, worker in workers.items()}
                        client.retire_workers([names.get("retired") or next(iter(names.values()))])
                moments[count] = name

            found = complete(work.job(notes), parts("slowly", 40), record, workforce, arrived=disturb)
        assert found == squares(40)
        assert len(moments) == 40
    lines = (tmp_path / "record.jsonl").read_text().splitlines()
    assert len(lines) == 40
    assert done(notes) > 40, "some were begun twice"


@pytest.mark.slow
def test_scheduler_is_restarted_in_the_middle(tmp_path: Path, notes: Path) -> None:
    said: list[str] = []
    with cluster(tmp_path, "one") as made, executor(made.address, note=said.append) as workforce:
        found: dict[str, int] = {}
        for name, result in workforce.run(work.job(notes), parts()):
            assert name not in found
            found[name] = result
            if len(found) == 4:
                made.end_scheduler()
                made.end("one")
                made.start_scheduler()
                made.start_worker("two")
        assert found == squares()
    assert any("has gone" in line for line in said)
    wait_until(lambda: not alive(notes), "no process is left")


def test_full_disk_of_one_worker_loses_nothing(both: Cluster, notes: Path) -> None:
    """Its parts are done by the others."""
    said: list[str] = []
    job = Job("disk", work.FullOn.of(notes), "0")
    with executor(both.address, note=said.append) as workforce:
        wait_until(lambda: workforce.workers == 2, "both workers are there")
        assert collected(workforce.run(job, {f"part {i}": i for i in range(8)})) == squares(8)
    assert any("No space left on device" in line for line in said)


@pytest.mark.slow
def test_late_worker_of_another_commit_is_left_out(tmp_path: Path, notes: Path) -> None:
    said: list[str] = []
    with cluster(tmp_path, "good") as made, executor(made.address, note=said.append) as workforce:
        results = workforce.run(work.job(notes), parts())
        found = dict([next(results)])
        made.start_worker("other", prelude=OTHER)
        wait_until(lambda: workforce.workers == 2, "it joined")
        found |= collected(results)
    assert found == squares()
    assert any("left out" in line and "has Pointwise of another code (other)" in line for line in said)


def test_workers_that_do_not_fit_are_told(tmp_path: Path) -> None:
    with cluster(tmp_path) as made:
        for name, prelude, sentence in (
            ("blind", BLIND, r"has no Pointwise \(.*\); install the same there as here"),
            ("other", OTHER, r"has Pointwise of another code \(other\) than the command"),
        ):
            made.start_worker(name, prelude=prelude)
            with pytest.raises(PointwiseError, match=rf"the worker tcp://\S+ {sentence}"):
                with executor(made.address):
                    pass
            made.end(name)


def test_nobody_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from pointwise.model.parallel import connection

    monkeypatch.setattr(connection, "CONNECT_S", 0.5)
    before = threading.active_count()
    for address in ("tcp://127.0.0.1:1", "127.0.0.1:1", "nonsense://x", "/no/such/file.json"):
        with pytest.raises(PointwiseError, match=f"no Dask scheduler at {address} .*; start one"):
            with executor(address):
                pass
    monkeypatch.setenv("POINTWISE_SCHEDULER", "tcp://127.0.0.1:1")
    with pytest.raises(PointwiseError, match=r"no Dask scheduler at tcp://127\.0\.0\.1:1"):
        with executor():
            pass
    # What is left to the garbage collector may hang.
    assert threading.active_count() == before
    with pytest.raises(PointwiseError, match="--workers is for this machine"):
        with executor(workers=2):
            pass


def test_what_cannot_be_sent_is_told(both: Cluster) -> None:
    with executor(both.address) as workforce:
        with pytest.raises(PointwiseError, match="the part a of odd cannot be sent to another machine"):
            collected(workforce.run(Job("odd", work.unsendable), {"a": lambda: 0}))
        with pytest.raises(PointwiseError, match="what makes the function of odd cannot be sent"):
            collected(workforce.run(Job("odd", lambda: abs), {"a": 1}))
