"""What a host must know of a system to talk to it, as one JSON file beside the bitstream."""

import dataclasses
import math

from litedram import init

from .board import Board
from .soc import CORE_BASE, SDRAM_BASE, PointwiseSoC

_CONTROL = {"sel": 1 << 0, "cke": 1 << 1, "odt": 1 << 2, "reset_n": 1 << 3}
_COMMAND = {"cs": 1 << 0, "we": 1 << 1, "cas": 1 << 2, "ras": 1 << 3}


def describe(soc: PointwiseSoC, board: Board, clock_mhz: float) -> dict[str, object]:
    """Addresses, speeds and the writes that bring the SDRAM up, of a finalised system with this clock.

    ``sdram_init`` is a list of writes in order: ``address`` and ``value`` of a 32-bit word, and ``wait_us``,
    microseconds to wait after it. With the last one the memory controller takes over. ``scratch`` is a
    register that can be written without effect, to find out whether anybody answers.
    """
    registers = {
        f"{name}_{csr.name}": region.origin + 4 * index
        for name, region in soc.csr_regions.items()
        if isinstance(region.obj, list)
        for index, csr in enumerate(region.obj)
    }
    return {
        "board": board.name,
        "clock_hz": round(clock_mhz * 1e6),
        "baud": soc.baud,
        "core": dataclasses.asdict(soc.core_config),
        "core_base": CORE_BASE,
        "sdram_base": SDRAM_BASE,
        "sdram_bytes": soc.bus.regions["main_ram"].size,
        "scratch": registers["ctrl_scratch"],
        "sdram_init": [
            {"address": registers[name], "value": value, "wait_us": wait}
            for name, value, wait in sdram_init(soc)
        ],
    }


def sdram_init(soc: PointwiseSoC) -> list[tuple[str, int, int]]:
    """Register, value, and microseconds to wait, after LiteDRAM's sequence for the kind of memory."""
    software = _CONTROL["cke"] | _CONTROL["odt"] | _CONTROL["reset_n"]
    steps, _ = init.get_sdram_phy_init_sequence(soc.sdrphy.settings, soc.sdram.controller.settings.timing)
    writes = [("sdram_dfii_control", software, 0)]
    for _, address, bank, command, cycles in steps:
        # LiteDRAM waits in turns of a processor's loop, of which each takes more than a cycle.
        wait = math.ceil(4 * cycles * 1e6 / soc.sys_clk_freq)
        writes += [("sdram_dfii_pi0_address", address, 0), ("sdram_dfii_pi0_baddress", bank, 0)]
        names = command.lower().split("|")
        if names[0].startswith("dfii_control_"):
            value = sum(_CONTROL[name.removeprefix("dfii_control_")] for name in names)
            writes.append(("sdram_dfii_control", value, wait))
        else:
            value = sum(_COMMAND[name.removeprefix("dfii_command_")] for name in names)
            writes += [("sdram_dfii_pi0_command", value, 0), ("sdram_dfii_pi0_command_issue", 1, wait)]
    return [*writes, ("sdram_dfii_control", _CONTROL["sel"], 0)]
