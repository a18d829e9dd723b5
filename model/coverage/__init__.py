"""Which architectures of the usual libraries come in, quantise, compile and run: one by one, by trying."""

from .catalogue import Entry, catalogue
from .survey import survey
from .trial import STEPS, Row, tried

__all__ = ["STEPS", "Entry", "Row", "catalogue", "survey", "tried"]
