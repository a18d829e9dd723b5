"""The AXI4-Lite register map, the error codes, and the causes by which every cycle is accounted for.

All registers are 32 bits wide at byte addresses that are multiples of four. Reads of other addresses give
zero, writes to them (and to read-only registers) are ignored; both answer OKAY.
"""

import enum

ADDRESS_BITS = 8


class Register(enum.IntEnum):
    """Byte addresses. RO unless said otherwise."""

    MAGIC = 0x00
    VERSION = 0x04
    SHAPE = 0x08
    MAX_TOKENS = 0x0C
    ACT_WORDS = 0x10
    RES_WORDS = 0x14
    CONTROL = 0x18
    """Write 1 to bit 0 to start, or to bit 2 to clear the memories instead (both ignored while busy); bit 1,
    read and write, enables the interrupt."""
    STATUS = 0x1C
    """Bit 0 busy, bit 1 done, bit 2 error; bits 15:8 the error code. Done and error last until the next
    start."""
    INTERRUPT = 0x20
    """Bit 0: raised at done or error; write 1 to clear. The irq line is this bit and CONTROL bit 1."""
    ERROR_ADDRESS = 0x24
    """The bus address (low 32 bits) of the burst that failed, for bus errors; of the first byte that was
    asked for, for Error.WINDOW."""
    ERROR_INSTRUCTION = 0x28
    """Index of the last instruction looked at when the error was seen; of a bad one, and of one that leaves
    its window, its own."""
    IMAGE_BASE = 0x2C
    """RW: DRAM address of the image, a multiple of 4096. Writing makes the next start check the image."""
    IMAGE_BYTES = 0x30
    """RW: bytes of the image in DRAM, the window that is only read. Writing makes the next start check the
    image."""
    INPUT_BASE = 0x34
    """RW: DRAM address that Base.INPUT counts from, a multiple of 4096."""
    INPUT_BYTES = 0x38
    """RW: length of the window at INPUT_BASE, which is only read; 0 after reset."""
    OUTPUT_BASE = 0x3C
    """RW: DRAM address that Base.OUTPUT counts from, a multiple of 4096."""
    OUTPUT_BYTES = 0x40
    """RW: length of the window at OUTPUT_BASE, which is read and written; 0 after reset."""
    WATCHDOG = 0x44
    """RW: cycles without any progress after which Error.WATCHDOG ends a run; 0: never; 2²⁰ after reset."""
    CHECK_CYCLES = 0x48
    """Cycles spent on checking the image in the last start (0 when it had been checked before)."""
    CYCLES = 0x4C
    """Cycles from the end of that check to done."""
    CAUSES = 0x50
    """First of the counters of ``Cause``, one register each, in order; their sum is CYCLES."""


WATCHDOG_DEFAULT = 1 << 20


class Error(enum.IntEnum):
    """Why the core stopped."""

    NONE = 0
    MAGIC = 1
    VERSION = 2
    SHAPE = 3
    LENGTH = 4
    CHECKSUM = 5
    MEMORY = 6
    """The image needs more tokens or SRAM words than the core has."""
    OPCODE = 7
    OPERAND = 8
    """An instruction with a field that is not legal (``pointwise.hw.contract.legal``)."""
    BUS_READ = 9
    """A read was answered SLVERR or DECERR."""
    BUS_WRITE = 10
    """A write was answered SLVERR or DECERR."""
    WATCHDOG = 11
    PROGRAM = 12
    """The program ran past its end without END."""
    WINDOW = 13
    """A read outside the three windows, or a write outside that of the output; it did not reach the bus."""


ERROR_TEXT: dict[Error, str] = {
    Error.NONE: "no error",
    Error.MAGIC: "what lies at IMAGE_BASE is no Pointwise image",
    Error.VERSION: "the image is of another version of the format; compile it again",
    Error.SHAPE: "the image was compiled for a core of another shape; compile it for this one",
    Error.LENGTH: "the image's length differs from IMAGE_BYTES, or its program is not inside; it is damaged",
    Error.CHECKSUM: "the image's checksum is wrong; it is damaged, load it again",
    Error.MEMORY: "the image needs more memory than this core has; compile it for this core",
    Error.OPCODE: "an instruction has an unknown opcode; the image is damaged",
    Error.OPERAND: "an instruction has a field that is not legal; the image is damaged",
    Error.BUS_READ: "a read from DRAM was answered with an error",
    Error.BUS_WRITE: "a write to DRAM was answered with an error",
    Error.WATCHDOG: "the core made no progress for as long as WATCHDOG allows; the memory does not answer",
    Error.PROGRAM: "the program ended without END; the image is damaged",
    Error.WINDOW: "the program reaches outside the windows of memory that the registers give it; make them "
    "as large as the image says, or compile it again",
}


class Cause(enum.IntEnum):
    """What the array did in a cycle of a run; exactly one cause a cycle."""

    STREAM = 0
    """A token entered the datapath."""
    DEPEND = 1
    """The next convolution waits for earlier ones (a drain) or for DMA."""
    TILE = 2
    """The stationary tile is not loaded yet."""
    SHORT = 3
    """A tile with fewer tokens than its load takes, or than 4: max(T, R, 4) − T."""
    OUTPUT = 4
    """The output FIFO has no room for the next tile: the epilogue is behind."""
    BANK = 5
    """The activation or residual SRAM serves another unit in this cycle."""
    IDLE = 6
    """No convolution is at hand: program fetch, DMA at start and end, the last drain."""
