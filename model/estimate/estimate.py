"""``estimate``: the cycles of a network on a core by cause, and the memory that it takes, unsimulated."""

from dataclasses import dataclass

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Space
from pointwise.hw.contract.registers import Cause
from pointwise.model.compiler.codegen import generate
from pointwise.model.compiler.plans import Plans
from pointwise.model.graph import Graph

from .machine import simulate
from .memory import Memory

KIB = 1024


@dataclass(frozen=True)
class Estimate:
    """What a network is expected to take on a core.

    Attributes:
        network: its name. config, memory: the core and what is on its bus.
        cycles: of one image, from the end of the image check to done.
        causes: the same by cause, their sum is ``cycles``.
        macs: useful multiply-accumulates. tiles: weight tiles that pass through the array.
        instructions: of the program. image_bytes: of the memory image.
        act_kib, res_kib: KiB of the two SRAMs that the program uses, up to the highest word.
    """

    network: str
    config: CoreConfig
    memory: Memory
    cycles: int
    causes: dict[Cause, int]
    macs: int
    tiles: int
    instructions: int
    image_bytes: int
    act_kib: float
    res_kib: float

    @property
    def utilisation(self) -> float:
        """Useful multiply-accumulates over what the array could do in these cycles, 0 to 1."""
        return self.macs / (self.config.rows * self.config.cols * self.cycles)

    def seconds(self, clock_mhz: float) -> float:
        """Time of one image at a clock frequency."""
        return self.cycles / (clock_mhz * 1e6)


def estimate(
    network: Graph, config: CoreConfig, memory: Memory | None = None, plans: Plans | None = None
) -> Estimate:
    """Estimate a network, or one without weights, on a core.

    The program is the compiler's; its course through the core is followed tile by tile. Random stalls of the
    bus enter as what they cost on average.

    Args:
        memory: what is on the bus; a latency of 40 cycles and no stalls unless given.
        plans: of the network, where it is estimated on many cores.

    Raises:
        PointwiseError: the network does not fit the core; the sentence says what to do.
    """
    memory = memory or Memory()
    program = generate(network, config, plans=plans)
    profile = simulate(program.instructions, config, memory)
    return Estimate(
        network=network.name,
        config=config,
        memory=memory,
        cycles=profile.cycles,
        causes=profile.causes,
        macs=network.macs,
        tiles=profile.tiles,
        instructions=len(program.lines),
        image_bytes=program.image_bytes,
        act_kib=program.plan.used[Space.ACTIVATION] * config.rows / KIB,
        res_kib=program.plan.used[Space.RESIDUAL] * 2 * config.rows / KIB,
    )
