"""The cocotb side of a workload's registers: those that a host may write hold what was written last."""

import random

import cocotb

from pointwise.hw.contract.registers import WATCHDOG_DEFAULT, Register
from pointwise.sim.system.bench_core import Host

ROUNDS = 200
PAGE_BITS = 12
"""Of the bases, which are multiples of a page."""
WRITABLE = tuple(
    register
    for register in Register
    if register is Register.WATCHDOG or register.name.endswith(("_BASE", "_BYTES"))
)


@cocotb.test()
async def registers(dut) -> None:
    """Writes numbers of 32 bits, and reads all that can be written after each."""
    host = Host(dut, timeout_cycles=1000)
    await host.start(WATCHDOG_DEFAULT)
    kept: dict[Register, int] = {}
    for _ in range(ROUNDS):
        register = random.choice(WRITABLE)
        value = random.choice((0, 2**32 - 1, random.getrandbits(32)))
        if register.name.endswith("_BASE"):
            value &= -1 << PAGE_BITS
        await host.registers.write(register, value)
        kept[register] = value
        for other, wanted in kept.items():
            found = await host.registers.read(other)
            assert found == wanted, f"{other.name} is {found:#x}; {wanted:#x} was written"
