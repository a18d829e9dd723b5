"""Runs of pytest, each in a process forked from one that has imported the libraries (``starter.py``)."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.parallel import here

STARTER = Path(__file__).with_name("starter.py")
POLL = 0.5
"""Seconds after which it is looked whether anybody still wants the result."""
GRACE = 5.0
"""Seconds that a run has to end the simulators that it has started."""


class Forks:
    """The process that runs are forked from.

    Args:
        folder: in which the tests run. environment: of theirs. log: the file of what the process itself says.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(STARTER)],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                bufsize=0,  # lest an answer wait in a buffer that the selector does not see
                start_new_session=True,
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._asks, self._answers = self._process.stdin, self._process.stdout
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._answers, selectors.EVENT_READ)

    def run(
        self,
        arguments: Sequence[str],
        tests: Mapping[str, float] | None,
        left: Sequence[str],
        limit: float,
        log: Path,
        variables: Mapping[str, str],
    ) -> int | None:
        """Run pytest, and return its status, or None where it was stopped.

        Args:
            arguments, tests, left, log, variables: as in ``starter.py``.
            limit: seconds after which it is stopped.

        Raises:
            PointwiseError: the process has ended.
        """
        asked = {"arguments": arguments, "tests": tests, "left": list(left)}
        asked |= {"log": str(log), "variables": dict(variables)}
        with suppress(BrokenPipeError):
            self._asks.write(f"{json.dumps(asked)}\n".encode())
            self._asks.flush()
        child = self._answer()
        end = time.monotonic() + limit
        try:
            while time.monotonic() < end and not here().stop.is_set():
                if self._answered(POLL):
                    return self._answer()
        except BaseException:
            self._stop(child)
            raise
        self._stop(child)
        return None

    def close(self) -> None:
        """End the process."""
        self._asks.close()
        self._process.wait()
        self._answers.close()
        self._selector.close()

    def _answer(self) -> int:
        line = self._answers.readline()
        if not line:
            said = self._log.read_text(errors="replace")[-500:]
            raise PointwiseError(f"The process that tests are forked from has ended: {said}")
        return int(line)

    def _answered(self, seconds: float) -> bool:
        return bool(self._selector.select(seconds))

    def _stop(self, child: int) -> None:
        """End a run: a test that is interrupted ends its simulator, which has a group of its own."""
        for number in (signal.SIGINT, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(child, number)
            if self._answered(GRACE):
                break
        self._answer()
