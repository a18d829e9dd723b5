"""What the core can do in one go: the operations that a graph is fused into, and the compiler works on."""

from .fuse import fuse
from .op import EngineOp

__all__ = ["EngineOp", "fuse"]
