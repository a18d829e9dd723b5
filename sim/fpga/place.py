"""Place and route of an ECP5 with nextpnr, one run a seed, and packing of the best."""

import json
import shutil
import tempfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pointwise.hw.boards.system import System
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.parallel import Executor, Job, Local, Record, complete, digest_of, here

from .tools import Tools, run

BITSTREAM = "pointwise.bit"
PLACER = "static"
"""nextpnr's electrostatic placer: shorter nets than its default, HeAP, on a chip that is full of macros."""
RECORD = "placements.jsonl"
VERSION = 1
"""Raised when the options of nextpnr below change, so that placements by others are not taken for its."""
LIMIT_S = 6 * 3600.0
"""After which a placement is taken for hung."""


@dataclass(frozen=True)
class Placement:
    """One finished run of place and route.

    Attributes:
        seed: of the placement.
        seconds: that it took.
        clocks: for each clock the MHz that were reached and those that were asked for.
        paths: the critical path of each clock, from and to, with its delay in ns and its parts.
        crossings: from one clock to another, the ns that the longest path takes and those that it may take.
        configuration: what is packed into the bitstream.
    """

    seed: int
    seconds: float
    clocks: dict[str, dict[str, float]]
    paths: list[dict[str, object]]
    crossings: dict[str, dict[str, float]]
    configuration: Path

    @property
    def margin(self) -> float:
        """The smallest ratio of reached to asked frequency, or of ns; timing is met from 1 on."""
        clocks = [clock["reached_mhz"] / clock["asked_mhz"] for clock in self.clocks.values()]
        ways = [way["allowed_ns"] / way["ns"] for way in self.crossings.values()]
        return min(clocks + ways, default=0.0)


def constraints_of(system: System) -> Path:
    """Pins and clocks of a system that is placed; only simulated ones have none."""
    assert system.constraints is not None
    return system.constraints


def place(
    system: System,
    netlist: Path,
    tools: Tools,
    seeds: Sequence[int],
    *,
    executor: Executor | None = None,
    tell: Callable[[int, str], None] = lambda seed, text: None,
) -> tuple[list[Placement], dict[int, str]]:
    """Place and route a netlist with every seed.

    What is done is kept in the system's folder until ``forget``, so that an interrupted build goes on with
    the seeds that are missing.

    Args:
        executor: where; here, one seed after the other, unless given. tell: called with a seed and what it is
            at.

    Returns:
        The results, best first, and what became of the seeds that failed.

    Raises:
        PointwiseError: nextpnr is not there, or failed with every seed.
    """
    files = [path for path in (netlist, constraints_of(system)) if path.exists()]
    digest = digest_of(files, system.board.device, PLACER, tools.version("nextpnr-ecp5"), VERSION)
    job = Job(
        "place",
        partial(Placer, system, netlist, tools),
        digest,
        files=tuple(files),
        programs=True,
        limit=LIMIT_S,
    )

    def arrived(name: str, result: dict[str, Any]) -> None:
        if "failure" in result:
            tell(int(name), "failed")
        elif (sent := result.pop("configuration")) is not None:
            (system.gateware / _names(int(name))[0]).write_bytes(zlib.decompress(b64decode(sent)))

    path = system.folder / RECORD
    if path.exists() and digest not in path.read_text():
        path.unlink()  # of another netlist
    with Record(path, job.name, digest) as record:
        for name in list(record.done):
            if not (system.gateware / _names(int(name))[0]).exists():
                del record.done[name]
        results = complete(
            job,
            {str(seed): seed for seed in seeds},
            record,
            executor or Local(1),
            arrived=arrived,
            final=lambda result: "failure" not in result,
            tell=lambda name, text: tell(int(name), text),
        )
    failures = {int(name): result["failure"] for name, result in results.items() if "failure" in result}
    placements = [
        Placement(**result, configuration=system.gateware / _names(result["seed"])[0])
        for result in results.values()
        if "failure" not in result
    ]
    if not placements:
        raise PointwiseError(next(iter(failures.values())))
    return sorted(placements, key=lambda placement: -placement.margin), failures


def forget(system: System) -> None:
    """Remove what was kept of the seeds of a build that is done."""
    for configuration in system.gateware.glob("place-*.config"):
        configuration.unlink()
    (system.folder / RECORD).unlink(missing_ok=True)


def _names(seed: int) -> tuple[str, str]:
    """Configuration and report of a seed."""
    return f"place-{seed}.config", f"place-{seed}.json"


class Placer:
    """Places and routes with a seed; the result is JSON-able.

    Where the system's folder is not shared it works in one of its own, and the configuration comes with the
    result.
    """

    def __init__(self, system: System, netlist: Path, tools: Tools) -> None:
        self.system, self.tools = system, tools
        self.netlist, self.constraints = map(here().located, (netlist, constraints_of(system)))
        self.shared = self.netlist == netlist

    def __call__(self, seed: int) -> dict[str, Any]:
        try:
            if self.shared:
                return self._placed(seed, self.system.gateware, self.system.folder) | {"configuration": None}
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                for file in (self.netlist, self.constraints):
                    shutil.copy(file, folder)
                result = self._placed(seed, folder, folder)
                text = (folder / _names(seed)[0]).read_bytes()
                return result | {"configuration": b64encode(zlib.compress(text)).decode()}
        except PointwiseError as error:
            return {"failure": str(error)}

    def _placed(self, seed: int, folder: Path, logs: Path) -> dict[str, Any]:
        configuration, report = _names(seed)
        command = [
            *self.tools.command("nextpnr-ecp5"),
            *self.system.board.device,
            *("--json", self.netlist.name, "--lpf", self.constraints.name),
            *("--textcfg", configuration, "--report", report),
            *("--placer", PLACER),
            # Whether the clocks are met is judged here, so that a report is there in any case.
            *("--seed", str(seed), "--timing-allow-fail"),
        ]
        seconds = run(
            command,
            logs / f"place-{seed}.log",
            folder=folder,
            name="place and route",
            tell=here().tell,
            stop=here().stop,
        )
        clocks, paths = _read(folder / report, self.netlist)
        return {
            "seed": seed,
            "seconds": seconds,
            "clocks": clocks,
            "paths": paths,
            "crossings": _crossings(paths, clocks),
        }


def _read(report: Path, netlist: Path) -> tuple[dict[str, dict[str, float]], list[dict[str, object]]]:
    """Clocks and critical paths of nextpnr's report."""
    try:
        values = json.loads(report.read_text())
        clocks = {
            name: {"reached_mhz": clock["achieved"], "asked_mhz": clock["constraint"]}
            for name, clock in values["fmax"].items()
        }
        paths = [_path(path) for path in values["critical_paths"]]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise PointwiseError(
            f"nextpnr's report {report} is damaged ({error}); see that the disk has space, and build again"
        ) from error
    if not clocks:
        raise PointwiseError(f"nextpnr found no clock in {netlist}; build it again in an empty folder")
    return clocks, paths


def _crossings(paths: Sequence[dict], clocks: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The longest path between each two clocks.

    All clocks come from one PLL, so that an edge of the one may be followed by an edge of the other a period
    of the faster one later. nextpnr does not judge these paths.
    """
    found = {}
    for path in paths:
        source, target = (str(path[end]).partition(" ")[2] for end in ("from_clock", "to_clock"))
        if source != target and source in clocks and target in clocks:
            faster = max(clocks[source]["asked_mhz"], clocks[target]["asked_mhz"])
            way = {"ns": path["ns"], "allowed_ns": 1000 / faster}
            # There is a path for each pair of edges.
            found[f"{source} → {target}"] = max(
                way, found.get(f"{source} → {target}", way), key=lambda way: way["ns"] / way["allowed_ns"]
            )
    return found


def _path(path: dict) -> dict[str, object]:
    """A critical path in short: where it begins and ends, and how long logic and routing take."""
    parts = path["path"]
    return {
        "from": parts[0]["from"]["cell"],
        "to": parts[-1]["to"]["cell"],
        "from_clock": path["from"],
        "to_clock": path["to"],
        "ns": sum(part["delay"] for part in parts),
        "routing_ns": sum(part["delay"] for part in parts if part["type"] == "routing"),
        "levels": sum(part["type"] == "logic" for part in parts),
    }


def pack(
    system: System, tools: Tools, placement: Placement, *, tell: Callable[[str], None] = lambda text: None
) -> Path:
    """Write the bitstream of a placement; returns its path. Raises PointwiseError when that fails."""
    command = [*tools.command("ecppack"), "--compress"]
    command += ["--input", placement.configuration.name, "--bit", BITSTREAM]
    run(command, system.folder / "pack.log", folder=system.gateware, name="packing", tell=tell)
    return (system.gateware / BITSTREAM).replace(system.folder / BITSTREAM)
