"""The finished program is held against the contract: what a core would refuse, and what no core checks, never
leaves the compiler."""

from collections.abc import Iterable

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Conv, End
from pointwise.hw.contract.legal import check_instruction, core_bounds, instruction_fields
from pointwise.hw.contract.sound import faults

from .program import Line

ADVICE = "quantise the network again, or use a smaller one"


def check_program(lines: Iterable[Line], config: CoreConfig) -> None:
    """Check every instruction.

    Raises:
        PointwiseError: names the layer, the field and what is legal.
    """
    bounds = core_bounds(config) | {"convs": 0, "dmas": 0}
    for line in lines:
        instruction = line.instruction
        if isinstance(instruction, End):
            continue
        who = f"layer {line.name} cannot be run: "
        check_instruction(instruction_fields(instruction), bounds, who=who, advice=ADVICE)
        for fault in faults(instruction, config):
            raise PointwiseError(f"{who}its instruction {fault}; {ADVICE}")
        bounds["convs" if isinstance(instruction, Conv) else "dmas"] += 1
