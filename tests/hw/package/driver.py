"""The C driver, called from Python: structures, constants and functions of pointwise.h."""

import ctypes
from collections.abc import Callable
from pathlib import Path

from pointwise.hw.contract.isa import Base
from pointwise.hw.contract.registers import Cause

NO_CORE, OTHER_VERSION, BUSY, UNALIGNED, TIMEOUT, NO_IMAGE = range(-1, -7, -1)
READ = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)
WRITE = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32)


class Handle(ctypes.Structure):
    _fields_ = (("registers", ctypes.c_void_p),)


class Core(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint) for name in ("rows", "columns", "lanes", "bus_bytes"))
    _fields_ += tuple((name, ctypes.c_uint32) for name in ("max_tokens", "act_words", "res_words"))


class Image(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("bytes", "input_bytes", "output_bytes"))


class Report(ctypes.Structure):
    _fields_ = (
        ("status", ctypes.c_int),
        *((name, ctypes.c_uint32) for name in ("address", "instruction", "check_cycles", "cycles")),
        ("causes", ctypes.c_uint32 * len(Cause)),
    )


class Driver:
    """The library, and the handle of one core.

    Args:
        library: from ``c_compiler.driver_library``.
        read, write: what an access of a register does.
    """

    def __init__(self, library: Path, read: Callable[[int], int], write: Callable[[int, int], None]) -> None:
        self.library = ctypes.CDLL(str(library))
        self.handle = Handle()
        self._kept = READ(read), WRITE(write)  # C holds no reference
        for name, function in zip(("bus_read", "bus_write"), self._kept, strict=True):
            place = ctypes.c_void_p.in_dll(self.library, name)
            place.value = ctypes.cast(function, ctypes.c_void_p).value
        self.library.pointwise_describe.restype = Core
        self.library.pointwise_report.restype = Report
        self.library.pointwise_interrupt.restype = ctypes.c_bool
        self.library.pointwise_text.restype = ctypes.c_char_p

    def open(self) -> int:
        return self.library.pointwise_open(ctypes.byref(self.handle), None)

    def image(self, data: bytes) -> tuple[int, Image]:
        found = Image()
        size = ctypes.c_size_t(len(data))
        return self.library.pointwise_image(ctypes.byref(found), data, size), found

    def set_window(self, window: Base, base: int, size: int) -> int:
        return self._call("set_window", int(window), ctypes.c_uint32(base), ctypes.c_uint32(size))

    def start(self, interrupt: bool = False) -> int:
        return self._call("start", ctypes.c_bool(interrupt))

    def clear(self, interrupt: bool = False) -> int:
        return self._call("clear", ctypes.c_bool(interrupt))

    def status(self) -> int:
        return self._call("status")

    def wait(self, polls: int) -> int:
        return self._call("wait", ctypes.c_ulong(polls))

    def interrupt(self) -> bool:
        return self._call("interrupt")

    def describe(self) -> Core:
        return self._call("describe")

    def report(self) -> Report:
        return self._call("report")

    def set_watchdog(self, cycles: int) -> None:
        self._call("set_watchdog", ctypes.c_uint32(cycles))

    def text(self, status: int) -> str:
        return self.library.pointwise_text(status).decode()

    def _call(self, name: str, *arguments: object) -> object:
        return getattr(self.library, f"pointwise_{name}")(ctypes.byref(self.handle), *arguments)
