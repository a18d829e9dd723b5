"""Cycles of a network on a core without simulating: its program, followed through a model of the machine."""

from .estimate import Estimate, estimate
from .machine import ExecutionProfile, simulate
from .memory import Memory
from .weightless import weightless

__all__ = ["Estimate", "ExecutionProfile", "Memory", "estimate", "simulate", "weightless"]
