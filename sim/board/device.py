"""A board with a core: bring up its SDRAM, load an image, run inputs, tell what the registers say."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hw.contract.config import CoreConfig
from hw.contract.errors import PointwiseError
from hw.contract.image import MAGIC, align, shape_word
from hw.contract.registers import ERROR_TEXT, Cause, Error, Register
from sim.system.run import PAGE, ImageRun, explain

from .link import ServerLink, UartLink
from .transfer import Checked, Link

SCRATCH = (0x5A5A_A5A5, 0x0F1E_2D3C)
SIMULATED_SLOWDOWN = 1000.0
"""A simulated board runs at some hundred kilohertz."""
BUSY = 1
START_AND_INTERRUPT = 3


@dataclass(frozen=True)
class Description:
    """``board.json``, which ``hw.boards.host`` writes beside a bitstream.

    Attributes:
        board: its name. clock_hz, baud: of the core, of the serial line. core: the configuration.
        core_base, sdram_base, sdram_bytes, scratch: addresses and a size.
        sdram_init: writes that bring the SDRAM up.
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
            found = json.loads(file.read_text())
            names = cls.__dataclass_fields__
            values = {name: found[name] for name in names} | {"core": CoreConfig.from_dict(found["core"])}
        except OSError as error:
            raise PointwiseError(
                f"{file} cannot be read ({error.strerror}); name the folder that pointwise bitstream wrote"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise PointwiseError(
                f"{file} does not describe a board ({error}); build the system again with pointwise bitstream"
            ) from error
        return cls(**values)

    @property
    def slowdown(self) -> float:
        """How much slower than real it is."""
        return SIMULATED_SLOWDOWN if self.board == "simulation" else 1.0


def connect(description: Description, uart: str | None, server: str | None) -> Link:
    """The link that the options name.

    Raises:
        PointwiseError: neither or both are named, or it cannot be opened.
    """
    if (uart is None) == (server is None):
        raise PointwiseError(
            "how is the board reached? Give either --uart with its serial port or --server with host:port of "
            "a litex_server"
        )
    if uart is not None:
        return UartLink(uart, description.baud, slowdown=description.slowdown)
    host, colon, port = server.rpartition(":")
    if not colon or not port.isdigit():
        raise PointwiseError(f"--server {server} should be host:port, such as localhost:1234")
    return ServerLink(host, int(port), slowdown=description.slowdown)


def memory_of(image: bytes, block: bytes) -> bytes:
    """What lies in the SDRAM after ``load`` and the sending of an input block."""
    return image.ljust(align(len(image), PAGE), b"\0") + block


class Board:
    """The core on a board, through checked transfers.

    Args:
        description: of the system. link: to it.
    """

    def __init__(self, description: Description, link: Link) -> None:
        self.description, self.bus = description, Checked(link)

    def _register(self, register: int) -> int:
        return self.description.core_base + register

    def register(self, register: int) -> int:
        """The value of a register that does not change by itself."""
        return self.bus.read_words(self._register(register))[0]

    def check_alive(self) -> None:
        """Write and read LiteX's scratch register, then ask the core who it is.

        Raises:
            PointwiseError: nobody answers, or it is another core than the description says.
        """
        for value in SCRATCH:
            self.bus.write_word(self.description.scratch, value)
        core = self.description.core
        if self.register(Register.MAGIC) != MAGIC or self.register(Register.SHAPE) != shape_word(core):
            raise PointwiseError(
                f"the board at {self.bus.link.name} has another core than the {core.rows}×{core.cols} one of "
                "its board.json; name the folder of the bitstream that is on it"
            )

    def bring_up(self) -> None:
        """Start the SDRAM, as LiteDRAM's own software does."""
        for step in self.description.sdram_init:
            self.bus.command(step["address"], step["value"])
            if step["wait_us"]:
                self.bus.wait(step["wait_us"])

    def load(self, image: bytes, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Put an image into the SDRAM and tell the core where it is.

        Raises:
            PointwiseError: it does not fit, or the transfer fails.
        """
        if len(image) > self.description.sdram_bytes:
            raise PointwiseError(
                f"the image of {len(image):,} bytes does not fit the board's {self.description.sdram_bytes:,}"
            )
        self.bus.write(self.description.sdram_base, image, progress)
        self.point_at(len(image))

    def point_at(self, size: int) -> None:
        """Tell the core about an image of ``size`` bytes at the SDRAM's first byte."""
        self.bus.write_word(self._register(Register.IMAGE_BASE), self.description.sdram_base)
        self.bus.write_word(self._register(Register.IMAGE_BYTES), size)

    def run(
        self, block: bytes, output_bytes: int, *, seconds: float, send: bool = True
    ) -> tuple[ImageRun, bytes]:
        """Send an input block, start, wait for the interrupt bit, and read registers and output block.

        Args:
            block: ``Compiled.pack_input``. output_bytes: of the output block.
            seconds: of the board's time to wait at most.
            send: else the block is there already, as ``memory_of`` puts it.

        Raises:
            PointwiseError: no image is loaded, no interrupt comes, or the core stops with an error.
        """
        image_bytes = self.register(Register.IMAGE_BYTES)
        if not image_bytes:
            raise PointwiseError("no image is on the board; run pointwise board load first")
        base = self.description.sdram_base
        input_base = base + align(image_bytes, PAGE)
        output_base = input_base + align(len(block), PAGE)
        if send:
            self.bus.write(input_base, block)
        self.bus.write_word(self._register(Register.INPUT_BASE), input_base)
        self.bus.write_word(self._register(Register.OUTPUT_BASE), output_base)
        self._start()
        self._await_interrupt(seconds)
        outcome = self.outcome()
        if outcome.error != Error.NONE:
            raise PointwiseError(explain(outcome))
        return outcome, self.bus.read(output_base, output_bytes)

    def _start(self) -> None:
        """Start, and again if the command was lost: then the core is neither busy nor does it interrupt."""
        self.bus.write_word(self._register(Register.INTERRUPT), 1, reads_as=0)
        for _ in range(3):
            self.bus.command(self._register(Register.CONTROL), START_AND_INTERRUPT)
            busy = self.bus.glance(self._register(Register.STATUS)) & BUSY
            if busy or self.bus.glance(self._register(Register.INTERRUPT)) & 1:
                return
            self.bus.faults += 1
            self.bus.link.recover()
        raise PointwiseError(
            f"the core at {self.bus.link.name} does not start; load bitstream and image again"
        )

    def _await_interrupt(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds * self.bus.link.slowdown
        # A garbled answer may look like an interrupt; a register that is read twice decides.
        while not self.bus.glance(self._register(Register.INTERRUPT)) & 1 or self._is_busy():
            if time.monotonic() > deadline:
                raise PointwiseError(
                    f"the core at {self.bus.link.name} gave no interrupt within {seconds:g} s; its status is "
                    f"{self.register(Register.STATUS):#x}; load bitstream and image again"
                )

    def _is_busy(self) -> bool:
        return bool(self.register(Register.STATUS) & BUSY)

    def outcome(self) -> ImageRun:
        """What the registers say about the last run."""
        names = (
            Register.STATUS,
            Register.CYCLES,
            Register.CHECK_CYCLES,
            Register.ERROR_ADDRESS,
            Register.ERROR_INSTRUCTION,
        )
        status, cycles, check, address, instruction = (self.register(name) for name in names)
        causes = self.bus.read_words(self._register(Register.CAUSES), len(Cause))
        return ImageRun(
            cycles,
            check,
            dict(zip(Cause, causes, strict=True)),
            Error(status >> 8 & 0xFF),
            address,
            instruction,
        )

    def status(self) -> dict[str, object]:
        """What to tell a person."""
        status = self.register(Register.STATUS)
        code = status >> 8 & 0xFF
        states = [name for bit, name in enumerate(("busy", "done", "error")) if status >> bit & 1]
        return {
            "state": ", ".join(states) or "idle",
            "error": ERROR_TEXT[Error(code)] if code else "none",
            "image": f"{self.register(Register.IMAGE_BYTES):,} bytes",
            "cycles of the last run": f"{self.bus.glance(self._register(Register.CYCLES)):,}",
            "faults on the line": str(self.bus.faults),
        }
