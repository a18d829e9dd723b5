"""``board.json``, which ``hw.boards.host`` writes beside a bitstream: what a host must know of a system."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.form import Form, FormError, read_json

SIMULATED_SLOWDOWN = 1000.0
"""A simulated board runs at some hundred kilohertz."""
Word = Annotated[int, Field(ge=0, lt=1 << 32)]
Positive = Annotated[int, Field(ge=1, lt=1 << 32)]


class _Step(Form):
    address: Word
    value: Word
    wait_us: Word


class _Board(Form):
    board: str
    clock_hz: Positive
    baud: Positive
    core: dict[str, Any]
    core_base: Word
    sdram_base: Word
    sdram_bytes: Positive
    scratch: Word
    sdram_init: Annotated[list[_Step], Field(min_length=1)]


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
            found = _Board.of(read_json(file))
            core = CoreConfig.from_dict(found.core)
        except OSError as error:
            raise PointwiseError(
                f"{file} cannot be read ({error.strerror}); name the folder that pointwise bitstream wrote"
            ) from error
        except (FormError, PointwiseError) as error:
            what = f"it {error}" if isinstance(error, FormError) else error
            raise PointwiseError(
                f"{file} does not describe a board ({what}); build the system again with pointwise bitstream"
            ) from error
        steps = [step.model_dump() for step in found.sdram_init]
        return cls(**{**dict(found), "core": core, "sdram_init": steps})

    @property
    def slowdown(self) -> float:
        """How much slower than real it is."""
        return SIMULATED_SLOWDOWN if self.board == "simulation" else 1.0
