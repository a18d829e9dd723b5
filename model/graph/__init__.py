"""Networks as graphs of operators; what an operator means is said here, one a file, and nowhere else."""

from .graph import Graph
from .op import Op
from .quantisation import Quantisation
from .run import run, run_float, run_with
from .value import Value

__all__ = ["Graph", "Op", "Quantisation", "Value", "run", "run_float", "run_with"]
