"""Float against integer: of arrays at once (``arrays``), or of images in files, in parallel (``images``)."""

from .arrays import Evaluation, compare, evaluate, float_logits, integer_logits, sqnr_db

__all__ = ["Evaluation", "compare", "evaluate", "float_logits", "integer_logits", "sqnr_db"]
