"""Passes: from a graph to another one that computes the same."""

from .fold_norms import fold_norms

__all__ = ["fold_norms"]
