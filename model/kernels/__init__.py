"""The integer model at speed: the operators' integer functions as tensors of torch, equal on every bit.

``pointwise.model.integer`` is the specification. Here the same integers come of float32, float64 and 8-bit
products that hold all of them exactly; each file says why. What has no kernel is computed as it is specified.
"""

from .network import KernelNetwork, prepared

__all__ = ["KernelNetwork", "prepared"]
