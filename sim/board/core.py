"""The core's registers over a line that garbles: who it is, its image, a start, the end, what came of it."""

import time
from collections.abc import Callable

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import MAGIC, VERSION, shape_word
from pointwise.hw.contract.registers import ERROR_TEXT, Cause, Error, Register
from pointwise.sim.system.run import ImageRun

from .transfer import Checked

BUSY = 1
START_AND_INTERRUPT = 3


class CoreRegisters:
    """What a host does with the registers.

    Args:
        bus: to them. base: where the first one lies. config: of the core that should be there.
    """

    def __init__(self, bus: Checked, base: int, config: CoreConfig) -> None:
        self.bus, self.base, self.config = bus, base, config

    def read(self, register: Register) -> int:
        """The value of a register that does not change by itself."""
        return self.bus.read_words(self.base + register)[0]

    def identify(self) -> None:
        """Ask the core who it is; raises PointwiseError when that is another one."""
        wanted = {
            Register.MAGIC: MAGIC,
            Register.VERSION: VERSION,
            Register.SHAPE: shape_word(self.config),
            Register.MAX_TOKENS: self.config.max_tokens,
            Register.ACT_WORDS: self.config.act_words,
            Register.RES_WORDS: self.config.res_words,
        }
        found = self.bus.read_words(self.base + Register.MAGIC, len(wanted))
        for (register, value), got in zip(wanted.items(), found, strict=True):
            if got != value:
                raise PointwiseError(
                    f"the board at {self.bus.link.name} has another core than the {self.config.rows}×"
                    f"{self.config.cols} one of its board.json ({register.name} is {got:#x} instead of "
                    f"{value:#x}); name the folder of the bitstream that is on it"
                )

    def image(self) -> tuple[int, int]:
        """Where the core has an image, and of how many bytes: none after a reset."""
        base, size = self.bus.read_words(self.base + Register.IMAGE_BASE, 2)
        return base, size

    def point_at(self, image_base: int, size: int) -> None:
        """Tell the core about an image; it checks it when it starts next, even if it is the same one."""
        self.bus.write_word(self.base + Register.IMAGE_BYTES, 0)
        self.bus.write_word(self.base + Register.IMAGE_BASE, image_base)
        self.bus.write_word(self.base + Register.IMAGE_BYTES, size)

    def place(self, given: tuple[int, int], result: tuple[int, int]) -> None:
        """Tell the core where the blocks of input and output of the next run lie, and how long they are."""
        for register, value in (
            *zip((Register.INPUT_BASE, Register.INPUT_BYTES), given, strict=True),
            *zip((Register.OUTPUT_BASE, Register.OUTPUT_BYTES), result, strict=True),
        ):
            self.bus.write_word(self.base + register, value)

    def start(self) -> bool:
        """Start; False if the command was lost: then the core is neither busy nor does it interrupt."""
        self.bus.write_word(self.base + Register.INTERRUPT, 1, reads_as=0)
        self.bus.command(self.base + Register.CONTROL, START_AND_INTERRUPT)
        if self._glance(Register.STATUS) or self._glance(Register.INTERRUPT):
            return True
        self.bus.faults += 1
        self.bus.link.recover()
        return False

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait for ``is_idle`` or ``has_interrupted``; raises PointwiseError after so much board time."""
        deadline = time.monotonic() + seconds * self.bus.link.slowdown
        while not ready():
            if time.monotonic() > deadline:
                status = self.bus.read_volatile(self.base + Register.STATUS)
                raise PointwiseError(
                    f"the core at {self.bus.link.name} has not finished after {seconds:g} s (its status is "
                    f"{status:#x}); wait longer with --timeout, or load bitstream and image again"
                )

    # A garbled answer may look like the end, so that a register that is read twice decides. Reading only
    # twice would take the end between both for a fault.

    def is_idle(self) -> bool:
        """No run is under way."""
        return not self._glance(Register.STATUS) and not self.is_busy()

    def has_interrupted(self) -> bool:
        """The run that was started has ended."""
        return self._glance(Register.INTERRUPT) and not self.is_busy()

    def is_busy(self) -> bool:
        """A run is under way."""
        return bool(self.read(Register.STATUS) & BUSY)

    def _glance(self, register: Register) -> bool:
        """Bit 0, read once: of STATUS, busy; of INTERRUPT, the end."""
        return bool(self.bus.read_volatile(self.base + register) & 1)

    def outcome(self) -> ImageRun:
        """What the registers say about the last run; raises PointwiseError for an error that is unknown."""
        names = (
            Register.STATUS,
            Register.CYCLES,
            Register.CHECK_CYCLES,
            Register.ERROR_ADDRESS,
            Register.ERROR_INSTRUCTION,
        )
        status, cycles, check, address, instruction = (self.read(name) for name in names)
        causes = self.bus.read_words(self.base + Register.CAUSES, len(Cause))
        code = status >> 8 & 0xFF
        if code not in ERROR_TEXT:
            raise PointwiseError(
                f"the core at {self.bus.link.name} stopped with the unknown error {code}; load the bitstream "
                "again, or build it with this software"
            )
        counts = dict(zip(Cause, causes, strict=True))
        return ImageRun(cycles, check, counts, Error(code), address, instruction)

    def status(self) -> dict[str, str]:
        """What to tell a person."""
        status = self.read(Register.STATUS)
        code, size = status >> 8 & 0xFF, self.read(Register.IMAGE_BYTES)
        texts = {int(error): text for error, text in ERROR_TEXT.items()}
        states = [name for bit, name in enumerate(("busy", "done", "error")) if status >> bit & 1]
        return {
            "state": ", ".join(states) or "idle",
            "error": texts.get(code, f"unknown, {code}") if code else "none",
            "image": f"{size:,} bytes" if size else "none since power-up: pointwise board load sends one",
            "cycles of the last run": f"{self.bus.read_volatile(self.base + Register.CYCLES):,}",
            "faults on the line": str(self.bus.faults),
        }
