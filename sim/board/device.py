"""A board with a core: bring up its SDRAM, load an image, run inputs."""

from collections.abc import Callable

from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.image import HEADER_BYTES, TRAILER_BYTES, align
from pointwise.hw.contract.registers import Error
from pointwise.sim.system.run import PAGE, ImageRun, explain

from .core import CoreRegisters
from .description import Description
from .link import Link
from .transfer import ATTEMPTS, Checked

SCRATCH = (0x5A5A_A5A5, 0x0F1E_2D3C)
COMMAND_ISSUE = 8
"""Offset from LiteDRAM's control register, the first of ``sdram_init``, to the one that gives the memory a
command: alone of them it does not read as what was written, and writing it again gives the command again."""


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
        self.core = CoreRegisters(self.bus, description.core_base, description.core)
        # Faults there had been when the core last had a whole image; None before the first run.
        self._whole: int | None = None

    def check_alive(self) -> None:
        """Write and read LiteX's scratch register, then ask the core who it is.

        Raises:
            PointwiseError: nobody answers, or it is another core than the description says.
        """
        for value in SCRATCH:
            self.bus.write_word(self.description.scratch, value)
        self.core.identify()

    def bring_up(self, *, seconds: float) -> None:
        """Start the SDRAM, as LiteDRAM's own software does, once the core uses it no more.

        Args:
            seconds: of the board's time to wait for the core at most.

        Raises:
            PointwiseError: the core does not come to an end, or the line is too bad.
        """
        self.core.wait_until(self.core.is_idle, seconds)
        self.bus.until_clean("bringing up the SDRAM", [self._start_memory] * ATTEMPTS)

    def _start_memory(self) -> None:
        """Go through ``sdram_init``.

        A memory command is not read back. If it lost a byte, the bridge takes the first one of what follows
        for that, and what follows is then without an answer: a fault.
        """
        control = self.description.sdram_init[0]["address"]
        for step in self.description.sdram_init:
            write = self.bus.command if step["address"] == control + COMMAND_ISSUE else self.bus.write_word
            write(step["address"], step["value"])
            if step["wait_us"]:
                self.bus.wait(step["wait_us"])

    def seconds_to_load(self, image: bytes) -> float:
        """About how long ``load`` takes on a real line: each byte is sent and read back, with ten bits."""
        return 2 * 10 * len(image) / self.description.baud

    def load(self, image: bytes, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Put an image into the SDRAM and tell the core where it is.

        Raises:
            PointwiseError: it does not fit, or the transfer fails.
        """
        if len(image) > self.description.sdram_bytes:
            raise PointwiseError(
                f"the image of {len(image):,} bytes does not fit the board's "
                f"{self.description.sdram_bytes:,}; compile a smaller network"
            )
        self.bus.write(self.description.sdram_base, image, progress, look=False)
        self.point_at(len(image))

    def point_at(self, size: int) -> None:
        """Tell the core about an image of ``size`` bytes at the SDRAM's first byte."""
        self.core.point_at(self.description.sdram_base, size)

    def run(
        self, image: bytes, block: bytes, output_bytes: int, *, seconds: float, send: bool = True
    ) -> tuple[ImageRun, bytes]:
        """Send an input block, start, wait for the interrupt bit, and read registers and output block.

        A garbled address may have put a word into image or input. So the core checks the image again after
        any fault, and in the first run, as there may have been faults before. And a start counts only if no
        fault lies between it and the last look at the input.

        Args:
            image: that is on the board. block: ``Compiled.pack_input``. output_bytes: of the output block.
            seconds: of the board's time to wait at most.
            send: else the block is there already, as ``memory_of`` puts it.

        Raises:
            PointwiseError: this image is not loaded, no interrupt comes, or the core stops with an error.
        """
        input_base, output_base = self._places(image, block, output_bytes)
        self._compare(image)
        for attempt in range(ATTEMPTS):
            self.core.wait_until(self.core.is_idle, seconds)
            if send or attempt:
                self.bus.write(input_base, block)
            faults = self.bus.faults
            if faults != self._whole:
                self.point_at(len(image))
            self.core.place((input_base, len(block)), (output_base, output_bytes))
            if self.core.start() and self.bus.faults == faults:
                break
        else:
            raise PointwiseError(
                f"the core at {self.bus.link.name} does not start without a fault on the line, in {ATTEMPTS} "
                "tries; check the cable, and load bitstream and image again"
            )
        self.core.wait_until(self.core.has_interrupted, seconds)
        outcome = self.core.outcome()
        if outcome.error != Error.NONE:
            raise PointwiseError(explain(outcome))
        self._whole = faults
        return outcome, self.bus.read(output_base, output_bytes)

    def _places(self, image: bytes, block: bytes, output_bytes: int) -> tuple[int, int]:
        """Where the blocks of input and output lie, behind the image."""
        start, size = self.description.sdram_base, self.description.sdram_bytes
        input_base = start + align(len(image), PAGE)
        output_base = input_base + align(len(block), PAGE)
        if output_base + output_bytes > start + size:
            raise PointwiseError(
                f"image, input and output take {output_base + output_bytes - start:,} bytes, which do not "
                f"fit the board's {size:,}; compile a smaller network"
            )
        return input_base, output_base

    def _compare(self, image: bytes) -> None:
        """Size, header and checksum tell whether this image was loaded; whether it is whole, the core."""
        base, size = self.core.image()
        if not size:
            raise PointwiseError("no image is on the board; run pointwise board load first")
        start, checksum = self.description.sdram_base, len(image) - TRAILER_BYTES
        if (base, size) == (start, len(image)):
            header, trailer = self.bus.read(start, HEADER_BYTES), self.bus.read(start + checksum, 4)
            if header == image[:HEADER_BYTES] and trailer == image[checksum : checksum + 4]:
                return
        raise PointwiseError(
            f"another image is on the board at {self.bus.link.name} than the one that is to run; run "
            "pointwise board load first"
        )
