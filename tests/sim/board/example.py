"""A board, two images for its core and an input, for the tests of the host's side."""

import random

from pointwise.hw.contract.config import PRESETS
from pointwise.sim.board.description import Description
from tests.sim.board.bridge import an_image

CONTROL, COMMAND, ISSUE, ADDRESS, BANK = range(0x800, 0x814, 4)
"""LiteDRAM's registers, in its order."""
MEMORY_COMMANDS = [(11, 1024, 0), (15, 289, 0), (11, 1024, 0), (13, 0, 0), (13, 0, 0), (15, 33, 0)]


def sdram_init():
    """As ``pointwise.hw.boards.host`` writes it."""
    writes = [(CONTROL, 14, 0), (ADDRESS, 0, 0), (BANK, 0, 0), (CONTROL, 14, 1600)]
    for command, address, bank in MEMORY_COMMANDS:
        writes += [(ADDRESS, address, 0), (BANK, bank, 0), (COMMAND, command, 0), (ISSUE, 1, 16)]
    return [dict(zip(("address", "value", "wait_us"), w, strict=True)) for w in [*writes, (CONTROL, 1, 0)]]


DESCRIPTION = Description(
    board="ulx3s-85f",
    clock_hz=100_000_000,
    baud=3_000_000,
    core=PRESETS["tiny"],
    core_base=0x3000_0000,
    sdram_base=0x4000_0000,
    sdram_bytes=1 << 20,
    scratch=4,
    sdram_init=sdram_init(),
)
IMAGE = an_image(DESCRIPTION.core, random.Random(5).randbytes(19_968))
OTHER = an_image(DESCRIPTION.core, random.Random(7).randbytes(19_968))
INPUT = random.Random(6).randbytes(64)
