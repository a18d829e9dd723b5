"""Vectors for other people's hardware: of one image, what each operation of the core reads and what it makes.

A folder of ``$readmemh`` files, an element a line, and ``vectors.json``, which says of each operation which
files are its operands, parameters and result, with shapes and types. With these alone every result can be
recomputed.
"""

from .operations import vectors_of
from .write import INDEX, write_vectors

__all__ = ["INDEX", "vectors_of", "write_vectors"]
