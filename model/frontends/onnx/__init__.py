"""The operators of ONNX, one family a file; ``registry`` says how one is added."""

from .translate import translate

__all__ = ["translate"]
