"""Yosys on a unit's netlist: flat, as cells of the RTL; drawn mutations; a mutant's Verilog; its proof.

The large memory cells stay modules that nobody looks into: mutants are made of what is around them, and a
proof takes what they answer for free, and compares what they are told.
"""

from __future__ import annotations

import re
import subprocess
from enum import StrEnum
from pathlib import Path

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.files import write_file
from pointwise.hw.engine.ram import RAM_MODULE
from pointwise.sim.fpga.tools import Tools, first_error, limited

NETLIST, DRAWN = "unit.il", "drawn.txt"
RAMS = f"=*{RAM_MODULE}"
"""The modules of large memory cells, one for each size."""
CELLS = f"t:* t:$meminit* %d =*{RAM_MODULE}/t:* %d"
"""What is mutated: not what memories begin with, whose places have to be constants."""
CLOCK = re.compile(r"-port \S*(CLK|clk)\b")
"""In a mutation of a clock. A proof has none: there every step is a cycle of all registers."""
STEPS = 6
"""Cycles, at most, from the end of which an induction over them goes on."""
OPTIMISED = "opt -nodffe -nosdff"
"""Constants and what nobody reads go; flip-flops keep the multiplexers that hold and reset them."""
PROVED = re.compile(r"SAT proof finished - no model found: SUCCESS!|Induction step proven: SUCCESS!")
BITS = ("dffunmap", "simplemap", "splitnets", "opt_clean")
"""Commands after which registers and multiplexers are single bits, and those that nobody reads are gone."""
ONE_SIDED = "No matching port in gate module"
"""What Yosys says where a signal that was a register is none any more."""
WORDS = {
    "inv": "inverted",
    "const0": "0",
    "const1": "1",
    "cnot0": "inverted where bit {ctrlbit} is 0",
    "cnot1": "inverted where bit {ctrlbit} is 1",
}
"""What a mode of ``mutate`` makes of a bit of a port."""


class Proof(StrEnum):
    """How a mutant was proved to be the unit: for any state, or for those that follow one another."""

    STATE = "for any state of the registers outputs and next states are the same"
    COURSE = "by induction over cycles the outputs are the same from the start on"


def prepare(verilog: str, folder: Path) -> None:
    """Write the netlist of a text of Verilog into a folder.

    Raises:
        PointwiseError: Yosys is not there, or refuses the text.
    """
    write_file(folder / "unit.v", verilog)
    _yosys(
        folder,
        [
            "read_verilog unit.v",
            "hierarchy -auto-top",
            "proc",
            f"setattr -mod -set keep_hierarchy 1 {RAMS}",
            "flatten",
            OPTIMISED,
            "clean -purge",
            f"write_rtlil {NETLIST}",
        ],
    )


def draw(folder: Path, count: int, seed: int) -> list[str]:
    """Mutations of a folder's netlist, each a command of Yosys; fewer where the draw has one twice."""
    _yosys(folder, [f"read_rtlil {NETLIST}", f"mutate -list {count} -seed {seed} -o {DRAWN} {CELLS}"])
    return list(dict.fromkeys(line for line in (folder / DRAWN).read_text().splitlines() if line))


def mutated(folder: Path, mutation: str | None, name: str) -> str:
    """The Verilog of a folder's netlist with a mutation, or without one.

    Args:
        name: of files of this mutant in the folder.
    """
    file = f"{name}.v"
    change = [mutation] if mutation else []
    _yosys(folder, [f"read_rtlil {NETLIST}", *change, f"write_verilog -noattr {file}"], name)
    return (folder / file).read_text()


def proved(folder: Path, mutation: str, name: str, seconds: int) -> Proof | None:
    """How a mutant can be proved to do what the unit does, or None.

    Args:
        name: as in ``mutated``. seconds: of a processor, that each of the proofs may take.
    """
    if CLOCK.search(mutation):
        return None
    for proof, steps in ((Proof.STATE, _of_states(mutation)), (Proof.COURSE, _of_courses(mutation))):
        log = _yosys(folder, steps, f"{name}_{proof.name.lower()}", seconds)
        if log is not None and PROVED.search(log):
            return proof
    return None


def _sides(mutation: str, *prepared: str) -> list[str]:
    """Both sides, ``gold`` and ``gate``, of the same commands but for the mutation."""
    commands = []
    for side, change in (("gold", []), ("gate", [mutation])):
        commands += [
            f"read_rtlil {NETLIST}",
            *change,
            f"blackbox {RAMS}",
            "memory_map",
            "expose -evert c:*",
            *prepared,
        ]
        commands += [f"rename -top {side}", f"design -stash {side}"]
    return [*commands, *(f"design -copy-from {side} -as {side} {side}" for side in ("gold", "gate"))]


def _of_states(mutation: str) -> list[str]:
    """Registers are ports of both sides, but for some without a name: what is left has hardly a state."""
    return [*_sides(mutation, *BITS, "expose -dff -evert-dff"), *_induction(1)]


def _of_courses(mutation: str) -> list[str]:
    """Both sides begin with what registers begin with, and get the same inputs."""
    return [*_sides(mutation, *BITS), *_induction(STEPS)]


def _induction(steps: int) -> list[str]:
    """Both sides have the same outputs from the start on, by an induction over so many cycles at most."""
    proof = f"sat -tempinduct -prove trigger 0 -maxsteps {steps}"
    # What both sides have of the same signals is there once then: a multiplier is not proved to be itself.
    return ["miter -equiv -flatten gold gate both", "hierarchy -top both", OPTIMISED, proof]


def described(mutation: str) -> str:
    """A mutation in words: which bit of which port of which cell is what, and near which signal."""
    options = dict(re.findall(r"-(\w+) (\S+)", mutation))
    cell, port = (options[name].lstrip("\\") for name in ("cell", "port"))
    what = WORDS[options["mode"]].format(**options)
    near = f", at {options['wire'].lstrip(chr(92))}[{options['wirebit']}]" if "wire" in options else ""
    return f"bit {options['portbit']} of {port} of {cell}{near}: {what}"


def _yosys(folder: Path, commands: list[str], name: str = "yosys", seconds: int | None = None) -> str | None:
    """Run commands in a folder and return the log.

    Args:
        name: of script and log. seconds: of a processor, for a proof; None is returned where it takes longer,
            or has a register on one side alone.
    """
    write_file(folder / f"{name}.ys", "\n".join(commands) + "\n")
    command = [*Tools().command("yosys"), "-q", "-l", f"{name}.log", "-s", f"{name}.ys"]
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=None if seconds is None else limited(seconds),
        check=False,
    )
    log = folder / f"{name}.log"
    if seconds is not None and (done.returncode < 0 or ONE_SIDED in log.read_text(errors="replace")):
        return None
    if done.returncode:
        raise PointwiseError(f"Yosys failed: {first_error(log)} (all of it in {log})")
    return log.read_text(errors="replace")
