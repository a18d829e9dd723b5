"""A Dask cluster on the loopback for tests: a real scheduler and workers, as processes that are ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
QUICK = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
}
"""A scheduler that has gone is not waited for long."""


@dataclass
class Cluster:
    """One scheduler and the workers that tests start and end.

    Attributes:
        folder: for its files. worker_timeout: of the scheduler with workers that do not answer.
        scheduler: its process. workers: theirs, by name.
    """

    folder: Path
    worker_timeout: str = "5 minutes"
    scheduler: subprocess.Popen | None = None
    port: int = 0
    workers: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--scheduler-file", str(file)]
        self.scheduler = self._start("scheduler", *options)
        # It writes the file in more than one go.
        wait_until(lambda: file.exists() and file.read_text().rstrip().endswith("}"), "it is there")
        self.port = int(json.loads(file.read_text())["address"].rpartition(":")[2])

    def start_worker(self, name: str, *, nanny: bool = False, prelude: str = "", **variables: str) -> None:
        """Start a worker of one thread; ``prelude`` is Python that runs in it first."""
        options = [self.address, "--nthreads", "1", "--name", name, "--nanny" if nanny else "--no-nanny"]
        options += ["--local-directory", str(self.folder / name)]
        self.workers[name] = self._start("worker", *options, prelude=prelude, **variables)

    def end(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a worker a signal, and wait until it is gone."""
        process = self.workers.pop(name)
        process.send_signal(number)
        process.wait(60)

    def end_scheduler(self) -> None:
        self.scheduler.kill()
        self.scheduler.wait(60)

    def close(self) -> None:
        for process in [*self.workers.values(), *([self.scheduler] if self.scheduler else [])]:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(60)
        self.workers.clear()

    def _start(self, what: str, *options: str, prelude: str = "", **variables: str) -> subprocess.Popen:
        program = f"{prelude}\nfrom distributed.cli.dask_{what} import main; main()"
        with (self.folder / f"{what}.log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-c", program, *options, "--no-dashboard"],
                cwd=self.folder,
                env={
                    **os.environ,
                    **QUICK,
                    "PYTHONPATH": str(ROOT),
                    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": self.worker_timeout,
                    **variables,
                },
                stdout=log,
                stderr=log,
            )


@contextmanager
def cluster(folder: Path, *workers: str, worker_timeout: str = "5 minutes") -> Iterator[Cluster]:
    """A cluster with workers of these names, for the length of a ``with`` statement."""
    made = Cluster(folder, worker_timeout)
    try:
        made.start_scheduler()
        for name in workers:
            made.start_worker(name)
        yield made
    finally:
        made.close()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)
