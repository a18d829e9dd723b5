"""The emulator: runs a memory image instruction by instruction, without any hardware."""

from .emulator import Emulator, Order

__all__ = ["Emulator", "Order"]
