"""The translators of PyTorch's operators, by their names without ``aten.`` and overload."""

from pointwise.model.frontends.registry import Registry

ATEN = Registry(__package__ or "", ("views", "elementwise", "products", "norms", "pooling"))
translates = ATEN.translates
