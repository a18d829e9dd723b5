"""The translators of ONNX's operators, by their names; attributes come by name, as Python's values."""

from pointwise.model.frontends.registry import Registry

ONNX = Registry(__package__ or "", ("views", "elementwise", "products", "norms", "pooling", "quantised"))
translates = ONNX.translates
