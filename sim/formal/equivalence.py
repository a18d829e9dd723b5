"""Proofs that synthesis leaves each unit of a core what it was: Yosys' equivalence checking, unit by unit.

A unit is a module of the generated Verilog; what lies inside of it is cut out, and the ports to it become
ports of the unit, as do all signals that have a name: what is proved is the mapping of the logic between
them, not what synthesis could do across them, such as another encoding of states. The one side is the unit as
it was written, the other what the FPGA flow's own passes make of it, with Yosys' models of the ECP5's cells
in place of the cells. Signals of the same name on both sides are pairs: each is proved to be equal in a cycle
where all of them were so in the cycle before. What they begin with is compared.

Multipliers and memories are mapped to logic for it, since a solver does not get through those of silicon;
that these do what they are meant to do is seen in simulation (``sim.system.netlist``).
"""

import json
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pointwise.hw.contract.files import write_file
from pointwise.sim.build import build_root
from pointwise.sim.fpga.synthesis import commands
from pointwise.sim.fpga.tools import Tools, limited
from pointwise.sim.system.netlist import FAMILY, MODELS, SMALL
from pointwise.sim.system.testbench import core_verilog

IN_LOGIC = "-nodsp -nobram -nolutram"
SECONDS = 120
"""Of a processor, that a unit may take."""
FOUND = re.compile(r"Found (\d+) \$equiv cells in equiv:\s+Of those cells (\d+) are proven")


@dataclass(frozen=True)
class Verdict:
    """What is known of a unit.

    Attributes:
        unit: its path in the core. pairs: signals, bit by bit, that both sides have. unproven: of them.
        starts: flip-flops whose first value is known on both sides. wrong_starts: of them.
        seconds: of a processor, that it took. says: why nothing is known, where nothing is.
    """

    unit: str
    pairs: int
    unproven: int
    starts: int
    wrong_starts: int
    seconds: float
    says: str = ""

    @property
    def proved(self) -> bool:
        """Whether it is the same unit."""
        return not (self.says or self.unproven or self.wrong_starts)


def units(verilog: str) -> list[str]:
    """The modules of a text, by their names, without those that are blocks of memory."""
    names = re.findall(r"^module\s+\\?([^\s(]+)", verilog, re.MULTILINE)
    return [name for name in names if name != "pointwise_ram"]


def script(unit: str, spoiled: Sequence[str] = ()) -> str:
    """Yosys' commands for a unit of ``core.v``.

    Args:
        spoiled: commands that change the synthesised side, called ``gate``, for those who try whether a
            fault is found.
    """
    models = (f"read_verilog -DNO_INCLUDES +/{FAMILY}/{name}" for name in MODELS)
    return "\n".join(
        (
            "read_verilog core.v",
            f"hierarchy -top {unit}",
            "proc",
            f"select -module {unit}",
            "expose -evert",
            "select -clear",
            "flatten",
            f"rename {unit} gold",
            "opt_clean",
            "design -stash written",
            "design -copy-from written -as gate gold",
            "hierarchy -top gate",
            *commands(FAMILY, "gate", options=IN_LOGIC),
            *spoiled,
            "design -stash mapped",
            # Modules of cells that were read as black boxes would be found again.
            "design -reset",
            *models,
            "design -copy-from mapped -as gate gate",
            "hierarchy -top gate",
            "proc",
            "flatten -wb",
            "proc",
            "memory_map",
            "opt_clean",
            "write_json gate.json",
            "design -stash cells",
            "design -copy-from written -as gold gold",
            "hierarchy -top gold",
            "memory_map",
            "opt_clean",
            "write_json gold.json",
            "design -copy-from cells -as gate gate",
            "equiv_make gold gate equiv",
            "hierarchy -top equiv",
            "equiv_struct",
            "equiv_simple -undef",
            "equiv_induct -undef",
            "equiv_status",
        )
    )


def prove_unit(
    verilog: str, unit: str, folder: Path, spoiled: Sequence[str] = (), seconds: int = SECONDS
) -> Verdict:
    """Prove one unit.

    Args:
        verilog: of the core. folder: for the files and the log. spoiled: see ``script``.
        seconds: of a processor, that it may take, so that what else a machine does decides of nothing.

    Raises:
        PointwiseError: Yosys is not there.
    """
    command = [*Tools().command("yosys"), "-q", "-l", "log", "-s", "script.ys"]
    # Yosys would take signals of such names, once they are ports, for bits of others.
    plain = re.sub(r"\\(\S*)\[(\d+)\](\S*) ", r"\\\1_\2_\3 ", verilog)
    write_file(folder / "core.v", plain)
    write_file(folder / "script.ys", script(unit, spoiled) + "\n")
    before = _used()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, preexec_fn=limited(seconds))
    took = round(_used() - before, 1)
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return Verdict(unit, 0, 0, 0, 0, took, f"not within {seconds} s")
    log = (folder / "log").read_text()
    found = FOUND.search(log)
    if done.returncode or found is None:
        errors = [line for line in (done.stderr + log).splitlines() if "ERROR" in line]
        return Verdict(unit, 0, 0, 0, 0, took, errors[0] if errors else "Yosys says nothing")
    pairs, proven = map(int, found.groups())
    written, cells = (_starts(folder / f"{side}.json", side) for side in ("gold", "gate"))
    both = written.keys() & cells.keys()
    wrong = sum(written[bit] != cells[bit] for bit in both)
    return Verdict(unit, pairs, pairs - proven, len(both), wrong, took)


def _used() -> float:
    """Seconds of a processor that programs took which were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _starts(path: Path, module: str) -> dict[tuple[str, int], str]:
    """The first values, 0 or 1, of the signals of a module that Yosys wrote, by name and bit."""
    nets = json.loads(path.read_text())["modules"][module]["netnames"]
    values: dict[int | str, str] = {}
    for net in nets.values():
        digits = reversed(net["attributes"].get("init", ""))
        values |= {bit: digit for bit, digit in zip(net["bits"], digits, strict=False) if digit in "01"}
    return {
        (name, index): values[bit]
        for name, net in nets.items()
        for index, bit in enumerate(net["bits"])
        if bit in values
    }


def main(path: Path) -> None:
    """Prove the units of ``SMALL`` that ``path`` does not hold yet, one by one."""
    verilog = core_verilog(SMALL)
    told = json.loads(path.read_text()) if path.exists() else {"yosys": Tools().version("yosys"), "units": []}
    known = {row["unit"] for row in told["units"]}
    for number, unit in enumerate(units(verilog)):
        if unit in known:
            continue
        verdict = prove_unit(verilog, unit, build_root() / "equivalence" / str(number))
        told["units"].append(asdict(verdict))
        write_file(path, json.dumps(told, indent=1) + "\n")
        said = verdict.says or (
            f"{verdict.pairs - verdict.unproven} of {verdict.pairs} pairs proved, "
            f"{verdict.wrong_starts} of {verdict.starts} first values differ"
        )
        print(f"{unit}: {said}, {verdict.seconds} s", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/results/proofs/equivalence.json"))
