"""What a core may say of an image, found without executing it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.decoding import decode
from pointwise.hw.contract.errors import Refused
from pointwise.hw.contract.image import check
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Base, Conv, Dma, End
from pointwise.hw.contract.legal import core_bounds
from pointwise.hw.contract.registers import Error
from pointwise.hw.contract.stream import stream_bytes
from pointwise.hw.contract.windows import check_row, check_stream


@dataclass(frozen=True)
class Ending:
    """An end of a run, as the registers tell it: ``address`` is 0 where no access is to blame."""

    error: Error
    instruction: int
    address: int


def possible_ends(
    image: bytes, windows: Mapping[Base, int], bases: Mapping[Base, int], config: CoreConfig
) -> set[Ending]:
    """Every end that a run of an image may have.

    Args:
        windows: lengths in bytes. bases: their addresses.

    Returns:
        One end, or two where the fetch of the program and a LOAD or STORE before it come to grief: which is
        told depends on the memory. With a stream that is shorter than its convolution needs, the watchdog is
        one as well.
    """
    try:
        header = check(image, config)
    except Refused as refused:
        return {Ending(refused.error, 0, 0)}
    ends: set[Ending] = set()
    row_found = starves = False
    bounds = core_bounds(config) | {"convs": 0, "dmas": 0}
    ended = False
    for index in range(header.program_length):
        first = header.program_offset + index * INSTRUCTION_BYTES
        try:
            instruction = decode(image[first : first + INSTRUCTION_BYTES], bounds, index)
            if isinstance(instruction, End):
                ended = True
                break
            if isinstance(instruction, Conv):
                check_stream(instruction, windows, config, index)
                starves |= instruction.stream_beats * config.bus_bytes < stream_bytes(instruction, config)
                bounds["convs"] += 1
                continue
        except Refused as refused:
            ends.add(_end(refused, index, bases))
            ended = True
            break
        bounds["dmas"] += 1
        if not row_found and (refused := _first_row_outside(instruction, windows, config, index)):
            ends.add(_end(refused, index, bases))
            row_found = True
    if not ended:
        ends.add(Ending(Error.PROGRAM, header.program_length - 1, 0))
    if starves:
        ends.add(Ending(Error.WATCHDOG, -1, 0))
        if not ends - {Ending(Error.WATCHDOG, -1, 0)}:
            ends.add(Ending(Error.NONE, 0, 0))
    return ends or {Ending(Error.NONE, 0, 0)}


def _first_row_outside(
    dma: Dma, windows: Mapping[Base, int], config: CoreConfig, index: int
) -> Refused | None:
    for row in range(dma.rows):
        try:
            check_row(dma, row, windows, config, index)
        except Refused as refused:
            return refused
    return None


def _end(refused: Refused, index: int, bases: Mapping[Base, int]) -> Ending:
    if refused.place is None:
        return Ending(refused.error, index, 0)
    base, offset = refused.place
    return Ending(refused.error, index, (bases[Base(base)] + offset) & 0xFFFFFFFF)
