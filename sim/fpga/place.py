"""Place and route of an ECP5 with nextpnr, one run a seed, and packing of the best."""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hw.boards.system import System
from hw.contract.errors import PointwiseError

from .tools import Tools, run

BITSTREAM = "pointwise.bit"
PLACER = "static"
"""nextpnr's electrostatic placer: shorter nets than its default, HeAP, on a chip that is full of macros."""


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


def place(
    system: System,
    netlist: Path,
    tools: Tools,
    seeds: Sequence[int],
    *,
    jobs: int = 1,
    tell: Callable[[int, str], None] = lambda seed, text: None,
) -> tuple[list[Placement], dict[int, str]]:
    """Place and route a netlist with every seed, ``jobs`` at a time.

    Returns:
        The results, best first, and what became of the seeds that failed.

    Raises:
        PointwiseError: nextpnr is not there, or failed with every seed.
    """
    placements, failures, stop = [], {}, threading.Event()

    def one(seed: int) -> None:
        try:
            placements.append(_place(system, netlist, tools, seed, tell, stop))
        except PointwiseError as error:
            failures[seed] = str(error)
            tell(seed, "failed")

    with ThreadPoolExecutor(jobs) as pool:
        try:
            list(pool.map(one, seeds))
        except BaseException:
            # Whoever interrupts this does not want to wait for nextpnr.
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    if not placements:
        raise PointwiseError(next(iter(failures.values())))
    return sorted(placements, key=lambda placement: -placement.margin), failures


def _place(
    system: System,
    netlist: Path,
    tools: Tools,
    seed: int,
    tell: Callable[[int, str], None],
    stop: threading.Event,
) -> Placement:
    configuration, report = f"place-{seed}.config", f"place-{seed}.json"
    command = [
        *tools.command("nextpnr-ecp5"),
        *system.board.device,
        *("--json", netlist.name, "--lpf", system.constraints.name),
        *("--textcfg", configuration, "--report", report),
        *("--placer", PLACER),
        # Whether the clocks are met is judged here, so that a report is there in any case.
        *("--seed", str(seed), "--timing-allow-fail"),
    ]
    seconds = run(
        command,
        system.folder / f"place-{seed}.log",
        folder=system.gateware,
        name="place and route",
        tell=lambda text: tell(seed, text),
        stop=stop,
    )
    try:
        values = json.loads((system.gateware / report).read_text())
        clocks = {
            name: {"reached_mhz": clock["achieved"], "asked_mhz": clock["constraint"]}
            for name, clock in values["fmax"].items()
        }
        paths = [_path(path) for path in values["critical_paths"]]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise PointwiseError(
            f"nextpnr's report {system.gateware / report} is damaged ({error}); see that the disk has space, "
            "and build again"
        ) from error
    if not clocks:
        raise PointwiseError(f"nextpnr found no clock in {netlist}; build it again in an empty folder")
    return Placement(seed, seconds, clocks, paths, _crossings(paths, clocks), system.gateware / configuration)


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
