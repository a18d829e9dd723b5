"""The way to a Dask scheduler: found, checked, and mended when it is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import distributed

from pointwise.hw.contract.errors import PointwiseError

from .program import describe, difference, vectors

CONNECT_S = 10.0
"""To find a scheduler."""
TRIES = 3
PATIENCE_S = 300.0
"""For a scheduler that has gone to come back."""
LOOK_S, ASK_S = 0.2, 0.5
"""Between two looks whether somebody has come, and between two questions who the workers are."""


class Client(distributed.Client):
    """Dask's, which ends its thread where it finds nobody. Dask leaves that to the garbage collector, which
    may come along while a thread holds the lock that this waits for: then both wait for ever."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().__init__(*args, **kwargs)
        except BaseException:
            with suppress(Exception):
                self.close()
            with suppress(Exception):
                self._loop_runner.stop()  # a client that counts as closed leaves it running
            raise


class Connection:
    """A client of a scheduler.

    Attributes:
        client: Dask's, once it is open.

    Args:
        address: of the scheduler, or the file that it was started with (``--scheduler-file``).
    """

    def __init__(self, address: str, note: Callable[[str], None]) -> None:
        self.address, self.note = address, note
        # A ``distributed.Client``, of whose results Dask says that they may be coroutines; these are not.
        self.client: Any
        self._thread_counts: dict[str, int] = {}
        self._asked = -ASK_S

    def open(self) -> None:
        """Connect, and wait for a worker.

        Raises:
            PointwiseError: nobody is there, or scheduler or workers have another version of anything.
        """
        self._connect()
        try:
            self._check_scheduler()
            if not self.threads():
                self.note(f"{self.address} has no workers yet; waiting for the first")
            while not self.threads():
                time.sleep(LOOK_S)
            self._check_workers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Part with the scheduler."""
        with suppress(Exception):
            self.client.close(timeout=2)

    def alive(self) -> bool:
        """Whether the scheduler is there."""
        return self.client.status == "running"

    def threads(self) -> int:
        """Parts that the workers of this moment can do at a time."""
        return sum(self._workers().values())

    def addresses(self) -> list[str]:
        """Of the workers of this moment."""
        return list(self._workers())

    def _workers(self) -> dict[str, int]:
        """Threads of the workers, by address; asked for once in a while."""
        if time.monotonic() > self._asked + ASK_S and self.alive():
            with suppress(Exception):
                self._thread_counts = self.client.sync(
                    self.client.scheduler.ncores, callback_timeout=CONNECT_S
                )
            self._asked = time.monotonic()
        return self._thread_counts

    def mend(self) -> None:
        """Connect anew to a scheduler that has gone.

        Raises:
            PointwiseError: it did not come back.
        """
        self.note(f"the scheduler {self.address} has gone; waiting for it to come back")
        end = time.monotonic() + PATIENCE_S
        self.close()
        while True:
            try:
                self._connect()
                break
            except PointwiseError as error:
                if time.monotonic() > end:
                    raise PointwiseError(
                        f"the scheduler {self.address} has gone and did not come back for {PATIENCE_S:g} s; "
                        "start it, and give the same command: it goes on where it was"
                    ) from error
                time.sleep(LOOK_S)
        self.note(f"the scheduler {self.address} is back")

    def _connect(self) -> None:
        given: dict[str, Any] = {
            "scheduler_file" if Path(self.address).is_file() else "address": self.address
        }
        try:
            for left in reversed(range(TRIES)):
                try:
                    self.client = Client(**given, timeout=CONNECT_S, set_as_default=False)
                    break
                except AssertionError:
                    # Dask gives its own thread ten seconds to start, too few on a machine that is overloaded.
                    if not left:
                        raise
        except Exception as error:
            raise PointwiseError(
                f"there is no Dask scheduler at {self.address} ({_short(error)}); start one with dask "
                "scheduler, and give the address that it prints, such as tcp://host:8786"
            ) from error

    def _check_scheduler(self) -> None:
        try:
            there = self.client.run_on_scheduler(describe)
        except ModuleNotFoundError as error:
            raise PointwiseError(
                f"the scheduler {self.address} has no Pointwise ({error}); install the same there as here"
            ) from error
        # It hands parts on unread, so that its own code does not matter.
        self._compare(f"the scheduler {self.address}", there | {"Pointwise": describe()["Pointwise"]})

    def _check_workers(self) -> None:
        kinds: dict[str, str] = {}
        for address, there in self.client.run(describe, on_error="return").items():
            if isinstance(there, OSError):
                continue  # it has just gone
            if isinstance(there, BaseException):
                raise PointwiseError(
                    f"the worker {address} has no Pointwise ({_short(there)}); install the same there as here"
                )
            self._compare(f"the worker {address}", there)
        for address, kind in self.client.run(vectors, on_error="ignore").items():
            kinds.setdefault(kind, address)
        if len(kinds) > 1:
            self.note(
                f"the workers have different processors ({', '.join(sorted(kinds))}), whose float32 sums may "
                "differ in the last bit; docs/scale.md says how to make them alike"
            )

    @staticmethod
    def _compare(who: str, there: dict[str, str]) -> None:
        different = difference(there, describe())
        if different:
            raise PointwiseError(f"{who} {different}; install the same on all machines")


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
