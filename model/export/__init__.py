"""Exports: an integer network, or its memory image, in the file formats of other tools.

One file a format, listed in ``formats``. Nothing here imports the compiler, so that the compiler can write
its own files with it.
"""

from .files import export
from .formats import FORMATS, named

__all__ = ["FORMATS", "export", "named"]
