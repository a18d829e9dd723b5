"""Cover points: what a core should have met at least once, each a bit that rises where it does.

The points are made of the contract: causes of cycles, error codes, fields of instructions. What is looked at
inside of the core has the names of the generated Verilog.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Opcode
from pointwise.hw.contract.legal import core_bounds, limits, rules_of, used_fields
from pointwise.hw.contract.registers import Cause, Error

MODULE = "cover_points"
CORE = "core_tb.core"
RUN, PROGRAM = f"{CORE}.control.run", f"{CORE}.\\program "
STATES = {"CHECK": "!running", "RUN": "running"}
"""Of a run, in which an error may be found."""
VECTOR = 32
"""Cover points in a vector; of wider ones than 64 bits Verilator takes some bits for others."""
WAITING = "while the masters are waited for"
USERS = {
    ("act", "read"): ("loader or epilogue", "streamer", "STORE"),
    ("act", "write"): ("epilogue", "LOAD"),
    ("res", "read"): ("epilogue", "streamer", "STORE"),
    ("res", "write"): ("epilogue", "LOAD"),
}
"""Of the ports of the memories, by priority."""


@dataclass(frozen=True)
class PointSet:
    """Cover points of one kind.

    Attributes:
        name: of the vectors that have a bit for each, with a number behind it. what: they are, in words.
        points: each in words, with the expression that is true in a cycle in which it is met.
    """

    name: str
    what: str
    points: tuple[tuple[str, str], ...]

    @staticmethod
    def bit(name: str, index: int) -> str:
        """The bit of a point, as it is written and as it is counted."""
        return f"{name}_{index // VECTOR}[{index % VECTOR}]"


def cover_points(config: CoreConfig) -> list[PointSet]:
    """The cover points of a core."""
    return [
        PointSet("causes", "a cause of a cycle behind another", tuple(_causes())),
        PointSet("errors", "an error code in a state of the run", tuple(_errors())),
        PointSet("banks", "two users of a memory that want the same bank", tuple(_banks(config))),
        PointSet("fields", "a field of an instruction at an end of its range", tuple(_fields(config))),
    ]


def _causes() -> Iterator[tuple[str, str]]:
    for before in Cause:
        for now in Cause:
            met = f"counted && counts_before && counts && cause_before == {before:d} && cause == {now:d}"
            yield f"{now.name} after {before.name}", met


def _errors() -> Iterator[tuple[str, str]]:
    for state, holds in STATES.items():
        for error in Error:
            if error is not Error.NONE:
                yield f"{error.name} in {state}", f"found && {holds} && fault == {error:d}"
    yield f"{Error.WATCHDOG.name} {WAITING}", "late && busy && clear"


def _banks(config: CoreConfig) -> Iterator[tuple[str, str]]:
    for (memory, way), users in USERS.items():
        banks = config.act_banks if memory == "act" else 1
        for second in range(1, len(users)):
            for first in range(second):
                names = f"{users[first]} and {users[second]}, {way}, {memory}"
                ports = [f"{CORE}.engine.{memory}.{way}__{number}__" for number in (first, second)]
                valid = [f"{port}valid" for port in ports]
                if users[second] == "STORE":
                    # What comes last is granted where nobody else asks: nobody looks at its VALID.
                    valid[1] = f"{CORE}.dma.store.{memory}_read__valid"
                for bank in range(banks):
                    at = [f"{port}place[{_bits(banks) - 1}:0] == {bank}" for port in ports if banks > 1]
                    yield f"{names} bank {bank}", " && ".join([*valid, *at])


def _bits(banks: int) -> int:
    return max(1, (banks - 1).bit_length())


def _fields(config: CoreConfig) -> Iterator[tuple[str, str]]:
    for opcode in (Opcode.CONV, Opcode.LOAD, Opcode.STORE):
        _, layout = rules_of(opcode)
        used = used_fields(opcode)
        ends = limits(opcode, core_bounds(config) | {"convs": 0, "dmas": 0})
        first = 0
        for name, bits in layout:
            value = f"word[{first} +: {bits}]"
            first += bits
            if name not in used:
                continue
            least, most = ends[name]
            greatest = _in_front(name) or f"{bits}'d{most}"
            for end, wanted in (("least", f"{least}"), ("greatest", greatest)):
                met = f"judged && word[3:0] == {opcode:d} && {value} == {wanted}"
                yield f"{opcode.name}.{name} {end}", met


def _in_front(name: str) -> str:
    """The greatest value of a wait: the count of what is in front, of which there must be something."""
    if "wait" not in name:
        return ""
    kind = "convs" if name == "wait_conv" else "dmas"
    return f"{kind}_in_front && {kind}_in_front != 0"


def module(config: CoreConfig) -> str:
    """The SystemVerilog of the module; it stands in ``core_tb``, and looks into its core."""
    sets = cover_points(config)
    vectors = "\n".join(
        f"  logic [{VECTOR - 1}:0] {one.name}_{number} = 0;"
        for one in sets
        for number in range((len(one.points) - 1) // VECTOR + 1)
    )
    bits = "\n".join(
        f"    {one.bit(one.name, index)} <= {met};  // {words}"
        for one in sets
        for index, (words, met) in enumerate(one.points)
    )
    return f"""module {MODULE} (input logic clk);
  wire counts = {RUN}.counts, running = {RUN}.running, busy = {RUN}.busy, clear = {RUN}.clear;
  wire late = {RUN}.late, found = {RUN}.bad && !clear;
  wire [2:0] cause = {RUN}.soon_cause;
  wire [3:0] fault = {RUN}.fault;
  wire [1023:0] word = {PROGRAM}.conv__payload;
  wire [31:0] position = {PROGRAM}.position;
  logic counted = 0, counts_before = 0;
  logic [2:0] cause_before = 0;
  logic [31:0] position_before = 0;
  // An instruction was judged in the cycle before, and is counted among those in front by now.
  wire judged = position == position_before + 1 && {PROGRAM}.error == 0;
  wire [15:0] convs_in_front = {PROGRAM}.conv_count - 16'(word[3:0] == {Opcode.CONV:d});
  wire [15:0] dmas_in_front = {PROGRAM}.dma_count - 16'(word[3:0] != {Opcode.CONV:d});
{vectors}
  always_ff @(posedge clk) begin
    counted <= 1;
    counts_before <= counts;
    cause_before <= cause;
    position_before <= position;
{bits}
  end
endmodule
"""
