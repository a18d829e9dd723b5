"""``board.json``, which ``hw.boards.host`` writes beside a bitstream: what a host must know of a system."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError

SIMULATED_SLOWDOWN = 1000.0
"""A simulated board runs at some hundred kilohertz."""
WORD_END = 1 << 32


@dataclass(frozen=True)
class Description:
    """What ``board.json`` says.

    Attributes:
        board: its name. clock_hz, baud: of the core, of the serial line. core: the configuration.
        core_base, sdram_base, sdram_bytes, scratch: addresses and a size.
        sdram_init: writes that bring the SDRAM up: ``address``, ``value``, and ``wait_us`` after it.
    """

    board: str
    clock_hz: int
    baud: int
    core: CoreConfig
    core_base: int
    sdram_base: int
    sdram_bytes: int
    scratch: int
    sdram_init: list[dict[str, int]]

    @classmethod
    def read(cls, path: Path) -> "Description":
        """Read the file, or the one in a folder; raises PointwiseError when it is not one."""
        file = path / "board.json" if path.is_dir() else path
        try:
            return cls._from(json.loads(file.read_text()))
        except OSError as error:
            raise PointwiseError(
                f"{file} cannot be read ({error.strerror}); name the folder that pointwise bitstream wrote"
            ) from error
        except (ValueError, KeyError, TypeError, PointwiseError) as error:
            raise PointwiseError(
                f"{file} does not describe a board ({error}); build the system again with pointwise bitstream"
            ) from error

    @classmethod
    def _from(cls, found: dict[str, Any]) -> "Description":
        steps = [
            {name: _number(step, name) for name in ("address", "value", "wait_us")}
            for step in found["sdram_init"]
        ]
        if not steps:
            raise ValueError("sdram_init is empty")
        return cls(
            board=str(found["board"]),
            core=CoreConfig.from_dict(found["core"]),
            sdram_init=steps,
            **{name: _number(found, name, least=1) for name in ("clock_hz", "baud", "sdram_bytes")},
            **{name: _number(found, name) for name in ("core_base", "sdram_base", "scratch")},
        )

    @property
    def slowdown(self) -> float:
        """How much slower than real it is."""
        return SIMULATED_SLOWDOWN if self.board == "simulation" else 1.0


def _number(found: dict[str, Any], name: str, *, least: int = 0) -> int:
    value = found[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < WORD_END:
        raise ValueError(f"{name} is {value!r}; expected a whole number from {least} to {WORD_END - 1}")
    return value
