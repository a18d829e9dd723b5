"""Cycles of a network on a core without simulating: its program, followed through a model of the machine."""

from .estimate import Estimate, estimate
from .machine import ExecutionProfile, simulate
from .memory import Memory
from .outline import outline

__all__ = ["Estimate", "ExecutionProfile", "Memory", "estimate", "outline", "simulate"]
